from apps.development.server import *  # noqa
from apps.development.server import main

if __name__ == "__main__":
    main()

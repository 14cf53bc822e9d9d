from apps.development.testing import *  # noqa
from apps.development.testing import NOWHERE, ROOT, EventLoopThread, Temporal  # noqa

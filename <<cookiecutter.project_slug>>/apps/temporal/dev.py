from apps.development.processes import *  # noqa
from apps.development.processes import CannotRun, Processes, refuse_used_port  # noqa

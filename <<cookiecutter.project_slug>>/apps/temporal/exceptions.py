"""What can go wrong between Django and Temporal, each with a sentence that says what to do."""


class TemporalError(Exception):
    """Base of this module's errors."""


class TemporalUnavailable(TemporalError):  # noqa: N818  says what is so, as Django's DoesNotExist does
    """The server did not answer in time."""


class ExecutionNotFound(TemporalError):  # noqa: N818  as above
    """There is no execution of that id, or its history was already deleted."""


class Refused(TemporalError):  # noqa: N818  as above
    """Temporal will never accept this message: trying again changes nothing."""


class ExecutionFailed(TemporalError):  # noqa: N818  as above
    """An execution ended without a result: failed, cancelled, terminated or timed out."""


class StillRunning(TemporalError):  # noqa: N818  as above
    """An execution was waited for and has not ended."""


class DecryptionFailed(TemporalError):  # noqa: N818  as above
    """A payload cannot be read with the keys that this process has."""

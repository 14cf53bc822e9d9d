"""What crosses the wire in the bench's own workflows."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ActivitiesInput:
    """`times` activities of one name, one after the other or all at once."""

    activity: str
    times: int
    together: bool = False


@dataclass(frozen=True, kw_only=True)
class ChunksInput:
    """One write for the rows with primary keys from `first` to `last`, `size` in a chunk."""

    write: str
    first: int
    last: int
    size: int = 1_000


@dataclass(frozen=True, kw_only=True)
class ChunkInput:
    """One chunk of it."""

    write: str
    first: int
    last: int

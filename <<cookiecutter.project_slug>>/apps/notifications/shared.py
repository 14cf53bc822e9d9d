"""What crosses the wire to Temporal."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EmailPayload:
    """A mail. Two payloads with the same `key` are the same mail; without one, each activity is a mail of its own."""

    to: str
    subject: str
    body: str
    from_email: str | None = None
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class EmailResult:
    """`status` is `sent`; `repeated` says that an earlier attempt had already sent it."""

    status: str = "sent"
    repeated: bool = False

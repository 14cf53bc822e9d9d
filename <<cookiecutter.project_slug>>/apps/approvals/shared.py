"""What crosses between workflows that wait for people and their activities."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

APPROVED, REJECTED, EXPIRED, SIGNED, DECLINED = "approved", "rejected", "expired", "signed", "declined"
# What lets a workflow go on.
GOOD = frozenset({APPROVED, SIGNED})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request to people, by the id of its row: when it expires, and when those who have not answered are reminded."""

    id: str
    kind: Literal["approval", "signature"]
    expires_at: datetime
    remind_at: tuple[datetime, ...] = ()
    # What an activity that is repeated finds: the answer that is there already.
    status: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How a request ended: approved, rejected, expired, signed or declined."""

    id: str
    status: str

    @property
    def is_good(self) -> bool:
        """Whether the workflow may go on."""
        return self.status in GOOD


@dataclass(frozen=True, kw_only=True)
class ApprovalDecision:
    """The signal approval_decision."""

    approval_id: str
    decision: str


@dataclass(frozen=True, kw_only=True)
class SignatureUpdate:
    """The signal signature_update."""

    signature_request_id: str
    status: str

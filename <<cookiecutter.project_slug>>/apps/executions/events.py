"""What other apps may listen to."""

from django.dispatch import Signal

# Sent inside the transaction that changes an execution's status: `execution`, `event` (its line in the audit trail).
status_changed = Signal()
# Sent inside the transaction of a reset that is to repeat what has a key, such as mails: `execution`.
effects_wanted_again = Signal()
# Sent inside the transaction of any reset by hand, before the other: `execution`, `to` ("failed-step" or "start").
attempt_begun = Signal()

"""How often one address may ask what nobody signs in for."""

import threading

from ninja.throttling import AnonRateThrottle


class PublicThrottle(threading.local, AnonRateThrottle):
    """At most `rate`, such as 20/m, counted for each address and each `scope`: whoever uses up one of them may go on with others.

    Each thread has one of its own, as ninja keeps on it whose request it counts: shared, it counts that for another address.
    """

    def __init__(self, scope: str, rate: str) -> None:
        self.scope = scope
        super().__init__(rate)

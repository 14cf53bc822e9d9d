"""Records what test_operations.py replays: `pytest apps/temporal/tests/parcels/record_history.py`. Once is enough."""

import pytest
from temporalio.client import Client

from apps.development.testing import ROOT, EventLoopThread
from apps.temporal import histories, operations
from apps.temporal.plugin import DjangoPlugin
from apps.temporal.tests.parcels import old
from apps.temporal.tests.parcels.depot import Depot


@pytest.fixture(scope="session")
def temporal_client(temporal_server: str, loop_thread: EventLoopThread) -> Client:
    """A client, and with it a worker, whose name in the history is not that of this machine."""
    return loop_thread.run(Client.connect(temporal_server, plugins=[DjangoPlugin()], identity="recorder"))


@pytest.mark.parametrize("depot", [old], indirect=True)
def test_sent(depot: Depot) -> None:
    handle = depot.start()
    depot.result(handle)

    recorded = histories.as_fixture(operations.history(handle.id))
    (ROOT / "apps/temporal/tests/parcels/ParcelWorkflow-sent.json").write_text(recorded)

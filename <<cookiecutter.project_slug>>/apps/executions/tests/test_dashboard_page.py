"""The page of the dashboard: whose executions it shows, what it says when there are none."""

import pytest
from django.test import Client

from apps.executions.tests.rows import execution, person
from apps.users.models import User

pytestmark = pytest.mark.django_db
DASHBOARD = "/executions/dashboard/"


def page_for(user: User) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(DASHBOARD)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_account_sees_its_own_and_those_who_may_see_all_see_everything() -> None:
    ada, eve = person("ada"), person("eve", "view_execution")
    execution("completed", ada)
    execution("pending", workflow="batch_processing", temporal_workflow_id="test-2")

    own, everything = page_for(ada), page_for(eve)

    assert ("Your executions" in own, "Outbox" in own, "Batch processing" in own, "test-2" in own) == (True, False, False, False)
    assert ("All executions" in everything, "Outbox" in everything, "test-2" in everything) == (True, True, True)
    assert "1 in all: 1 completed, 0 failed, 0 canceled, 0 unfinished." in own
    assert " style=" not in everything


def test_it_says_so_when_there_is_nothing() -> None:
    page = page_for(person())

    assert "There were none." in page
    assert "Nothing waits" in page
    assert "<svg" not in page


def test_a_stranger_is_asked_to_sign_in(client: Client) -> None:
    answer = client.get(DASHBOARD)

    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/executions/dashboard/")

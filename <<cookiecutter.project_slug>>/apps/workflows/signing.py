"""The key that signs what a project's steps send. It is made of the site's own key, so that it is stored nowhere."""

from base64 import b64encode

from apps.approvals.keys import derived_keys
from apps.workflows.models import Project


def signing_key(project: Project) -> str:
    """In the form of https://www.standardwebhooks.com, the same until the site's key changes."""
    newest, *_ = derived_keys("apps.workflows.signing", str(project.pk))
    return f"whsec_{b64encode(newest).decode()}"

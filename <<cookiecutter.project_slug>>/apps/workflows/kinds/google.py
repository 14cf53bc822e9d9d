"""Kinds that make documents at Google, by copying one there and filling its places.

The copy is marked with its step, and looked for by that mark before another is made.
"""

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from pydantic import Field

from apps.executions.models import Execution
from apps.workflows import documents
from apps.workflows.document_models import GeneratedDocument
from apps.workflows.documents import File
from apps.workflows.kinds.base import Kind, KindConfig, StepContext, StepError, Text, Values, register
from apps.workflows.kinds.documents import said
from apps.workflows.kinds.outside import ask

SCOPES = "https://www.googleapis.com/auth/drive https://www.googleapis.com/auth/documents https://www.googleapis.com/auth/presentations"
# What a copy is marked with: https://developers.google.com/workspace/drive/api/guides/properties
MARK = "step"
EVERYWHERE = {"supportsAllDrives": "true"}
PDF = "application/pdf"
FIELDS = "id,webViewLink"


class GoogleKind(Kind):
    """What documents and presentations have in common."""

    family = "Documents"
    api: ClassVar[Literal["docs", "slides"]]
    collection: ClassVar[str]
    media_type: ClassVar[str]

    class Config(KindConfig):
        """`template` is the id of a file that the service account may read, `folder` that of one that it may write to."""

        template: Annotated[Text, Field(min_length=1)]
        file_name: Annotated[Text, Field(min_length=1)]
        folder: Text = ""
        values: Values = {}
        as_pdf: bool = False

    def run(self, config: Config, step: StepContext) -> dict[str, Any]:
        """Make the document, once however often the step is tried."""
        execution, index = Execution.objects.get(pk=step.execution_id), step.index or 0
        earlier = GeneratedDocument.objects.filter(execution=execution, step=step.step, index=index, is_replaced=True).count()
        mark = hashlib.sha256(f"{step.key}:{earlier}".encode()).hexdigest()
        made, reused = documents.make_once(execution, step=step.step, index=index, make=lambda: self._made(config, mark))
        return said(made, reused=reused)

    def _made(self, config: Config, mark: str) -> File:
        token = _token()
        copy = _find(token, mark) or _copy(token, config, mark)
        changes = [_replacement(name, text) for name, value in config.values.items() for name, text in _texts(name, value)]
        if changes:
            url = f"{settings.GOOGLE[self.api]}/{self.collection}/{copy['id']}:batchUpdate"
            ask("POST", url, token=token, json={"requests": changes})
        name = str(config.file_name)
        place = {"url": copy["webViewLink"], "ref": copy["id"]}
        if not config.as_pdf:
            return File(filename=name, media_type=self.media_type, **place)
        content = ask("GET", _drive(f"/{copy['id']}/export", mimeType=PDF), token=token).data
        return File(filename=f"{name.removesuffix('.pdf')}.pdf", media_type=PDF, content=content, **place)


@register
class GoogleDocsKind(GoogleKind):
    """Make a Google document from another one."""

    name = "google-docs"
    title = "Google document"
    api = "docs"
    collection = "documents"
    media_type = "application/vnd.google-apps.document"


@register
class GoogleSlidesKind(GoogleKind):
    """Make a Google presentation from another one."""

    name = "google-slides"
    title = "Google presentation"
    api = "slides"
    collection = "presentations"
    media_type = "application/vnd.google-apps.presentation"


def _find(token: str, mark: str) -> Any:
    wanted = f"appProperties has {{ key='{MARK}' and value='{mark}' }} and trashed = false"
    query = {"q": wanted, "fields": f"files({FIELDS})", "includeItemsFromAllDrives": "true", **EVERYWHERE}
    found = ask("GET", _drive("", **query), token=token).json()["files"]
    return found[0] if found else None


def _copy(token: str, config: GoogleKind.Config, mark: str) -> Any:
    wanted: dict[str, Any] = {"name": str(config.file_name), "appProperties": {MARK: mark}}
    if config.folder:
        wanted["parents"] = [str(config.folder)]
    url = _drive(f"/{quote(str(config.template), safe='')}/copy", fields=FIELDS, **EVERYWHERE)
    return ask("POST", url, token=token, json=wanted).json()


def _drive(path: str, **query: str) -> str:
    return f"{settings.GOOGLE['drive']}/files{path}?{urlencode(query)}"


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """What each place is filled with, as it may be written: client.name for what stands in an object."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(f"{name}.{key}", each)
        return
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    yield f"{{{{ {name} }}}}", text
    yield f"{{{{{name}}}}}", text


def _replacement(place: str, text: str) -> dict[str, Any]:
    return {"replaceAllText": {"containsText": {"text": place, "matchCase": True}, "replaceText": text}}


def _token() -> str:
    """What a service account is let in with: https://developers.google.com/identity/protocols/oauth2/service-account"""
    if not settings.GOOGLE["key_file"]:
        raise StepError("Google is not set up: give GOOGLE_KEY_FILE in the settings")
    key = json.loads(Path(settings.GOOGLE["key_file"]).read_text())
    now = int(time.time())
    claims = {"iss": key["client_email"], "scope": SCOPES, "aud": key["token_uri"], "iat": now, "exp": now + 3600}
    signed = f"{_encoded({'alg': 'RS256', 'typ': 'JWT'})}.{_encoded(claims)}"
    private = load_pem_private_key(key["private_key"].encode(), password=None)
    assert isinstance(private, RSAPrivateKey)
    signature = urlsafe_b64encode(private.sign(signed.encode(), PKCS1v15(), SHA256())).decode().rstrip("=")
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": f"{signed}.{signature}"}
    token: str = ask("POST", key["token_uri"], form=form).json()["access_token"]
    return token


def _encoded(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

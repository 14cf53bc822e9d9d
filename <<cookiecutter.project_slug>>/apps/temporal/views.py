"""The codec endpoint: Temporal's UI and CLI have payloads decrypted here, for people who may read them."""

from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from ninja.errors import HttpError
from temporalio.api.common.v1 import Payloads

from apps.temporal.codec import EncryptionCodec
from apps.temporal.exceptions import DecryptionFailed
from apps.users.auth import BearerAuth

# Who may see the arguments of executions in the admin may see them in Temporal's UI.
PERMISSION = "temporal.view_outboxmessage"
# The largest message that Temporal takes is 4 MiB; as JSON it grows by a third.
MAX_BYTES = 6 * 2**20


@csrf_exempt  # it changes nothing, and a session counts only on a page of the UI
def codec(request: HttpRequest, action: str) -> HttpResponse:
    """Answer POST …/encode and …/decode (Payloads as JSON), and the browser's question before it."""
    address = urlsplit(settings.TEMPORAL_UI_URL)
    ui, origin = f"{address.scheme}://{address.netloc}", request.headers.get("Origin")
    response: HttpResponse
    try:
        if not settings.TEMPORAL_ENCRYPTION_KEYS or action not in {"encode", "decode"}:
            raise HttpError(404, "There is no codec here: TEMPORAL_ENCRYPTION_KEYS is not set, or the address is wrong.")
        if origin not in {None, ui}:
            raise HttpError(403, "Pages of other sites may not ask: TEMPORAL_UI_URL names the one that may.")
        response = HttpResponse(status=204) if request.method == "OPTIONS" else _answer(request, action)
    except HttpError as error:
        response = JsonResponse({"detail": str(error)}, status=error.status_code)
    if origin == ui:
        response["Access-Control-Allow-Origin"] = ui
        response["Access-Control-Allow-Credentials"] = "true"
        response["Access-Control-Allow-Methods"] = "POST"
        response["Access-Control-Allow-Headers"] = "Content-Type, X-Namespace, Authorization, Authorization-Extras"
    patch_vary_headers(response, ["Origin"])
    return response


def _answer(request: HttpRequest, action: str) -> HttpResponse:
    _check_reader(BearerAuth()(request) or ("Origin" in request.headers and request.user))
    if request.method != "POST":
        raise HttpError(405, "Send POST.")
    body = request.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise HttpError(413, f"Send at most {MAX_BYTES} bytes.")
    try:
        asked = Parse(body, Payloads()).payloads
        done = async_to_sync(getattr(EncryptionCodec(settings.TEMPORAL_ENCRYPTION_KEYS), action))(asked)
    except (ParseError, UnicodeDecodeError) as error:
        raise HttpError(400, f"Send payloads as JSON: {error}.") from error
    except DecryptionFailed as error:
        raise HttpError(400, str(error)) from error
    return HttpResponse(MessageToJson(Payloads(payloads=done)), content_type="application/json")


def _check_reader(user: Any) -> None:
    if not (user and user.is_authenticated):
        raise HttpError(401, "Send `Authorization: Bearer TOKEN`, or sign in to the site in this browser.")
    if not (user.is_staff and user.has_perm(PERMISSION)):
        raise HttpError(403, f"This account may not read payloads: it must be staff and have the permission {PERMISSION}.")

"""Contents as files."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header


def file_answer(content: bytes | str, filename: str, media_type: str, *, shown: bool = False) -> HttpResponse:
    """An answer that a browser stores under that name, or shows."""
    answer = HttpResponse(content, content_type=media_type)
    answer["Content-Disposition"] = content_disposition_header(not shown, filename) or "inline"
    return answer

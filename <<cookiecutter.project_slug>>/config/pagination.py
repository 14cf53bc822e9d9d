"""How lists of the API are cut into pages."""

from ninja import Schema
from ninja.pagination import LimitOffsetPagination
from pydantic import Field


class Pages(LimitOffsetPagination):
    """`limit` rows from the `offset`th on."""

    class Input(Schema):
        """What is asked for. A database counts no further than the greatest offset."""

        limit: int = Field(100, ge=1, le=1_000)
        offset: int = Field(0, ge=0, le=2**31 - 1)

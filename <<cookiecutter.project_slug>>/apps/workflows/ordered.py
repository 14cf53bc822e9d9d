"""JSON that keeps the order in which people have written it."""

import json
from typing import Any

from django.db import models


class OrderedJSONField(models.JSONField):
    """A JSON object as one text inside of JSON: PostgreSQL's jsonb would sort its names. Nothing in it can be asked for."""

    def get_prep_value(self, value: Any) -> Any:
        """The text."""
        value = super().get_prep_value(value)
        return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """The object; one that was stored as such is read, too."""
        found = super().from_db_value(value, expression, connection)
        return json.loads(found) if isinstance(found, str) else found

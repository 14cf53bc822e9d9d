"""Nothing is stored here: the server keeps the schedules."""

from django.db import models


class Schedule(models.Model):
    """A schedule on the Temporal server, which keeps it. Without a table: it gives the admin a page, and its permissions."""

    schedule_id = models.CharField(max_length=255, primary_key=True)

    class Meta:
        managed = False
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return self.schedule_id

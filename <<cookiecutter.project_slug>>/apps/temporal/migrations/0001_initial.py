import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="OutboxMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("start", "Start"),
                            ("signal", "Signal"),
                            ("update", "Update"),
                            ("cancel", "Cancel"),
                            ("terminate", "Terminate"),
                            ("schedule", "Schedule"),
                            ("activity", "Activity"),
                        ],
                        max_length=20,
                    ),
                ),
                ("aggregate_id", models.CharField(db_index=True, max_length=255)),
                ("dedupe_key", models.CharField(max_length=600, unique=True)),
                ("payload", models.JSONField()),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "Pending"), ("sent", "Sent"), ("canceled", "Canceled"), ("dead", "Dead")],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ("-pk",),
                "indexes": [
                    models.Index(condition=models.Q(("status", "pending")), fields=["id"], name="outbox_due"),
                    models.Index(condition=models.Q(("status", "pending")), fields=["aggregate_id", "id"], name="outbox_order"),
                    models.Index(condition=models.Q(("status__in", ["pending", "dead"])), fields=["status"], name="outbox_open"),
                ],
            },
        ),
    ]

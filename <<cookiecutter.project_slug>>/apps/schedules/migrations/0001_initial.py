from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Schedule",
            fields=[
                ("schedule_id", models.CharField(max_length=255, primary_key=True, serialize=False)),
            ],
            options={
                "managed": False,
                "default_permissions": ("view", "change"),
            },
        ),
    ]

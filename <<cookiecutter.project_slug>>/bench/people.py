"""Accounts by the million, made by the database itself."""

from django.db import connection

from apps.users.models import User

PEOPLE = """
INSERT INTO users_user (id, password, is_superuser, is_staff, is_active, date_joined, email, name)
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)
SELECT n, '!', false, false, true, CURRENT_TIMESTAMP, 'person-' || n || '@example.com', 'Person ' || n FROM numbers
"""


def make_people(number: int) -> None:
    """Leave exactly so many accounts, with primary keys from 1, as a table that was vacuumed."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("TRUNCATE users_user CASCADE")
        else:
            User.objects.all().delete()
        cursor.execute(PEOPLE, [number])
        cursor.execute("VACUUM ANALYZE users_user" if connection.vendor == "postgresql" else "ANALYZE users_user")

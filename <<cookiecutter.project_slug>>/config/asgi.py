"""ASGI entry point: what the container's web process serves.

The views are synchronous and run in WEB_THREADS threads, each with a database connection of its own. Under Django's own ASGI
handler each request would get a thread of its own, and with it a new connection: measured on PostgreSQL, a quarter of the
requests a second. A stream that stays open takes no thread.
"""

from a2wsgi import WSGIMiddleware
from django.conf import settings

from config.wsgi import application as site

# It needs the models, which the import above makes ready.
# isort: split
from apps.executions.stream import Streams

application = Streams(WSGIMiddleware(site, workers=settings.WEB_THREADS))  # type: ignore[arg-type]  # they word WSGI differently

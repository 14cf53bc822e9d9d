"""A worker's answers to an orchestrator, on TEMPORAL_PROBE_ADDRESS: is its loop alive, does it poll for work?"""

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from typing import Self

from django.conf import settings
from django.core.management.base import CommandError
from temporalio.client import Client
from temporalio.service import RPCError

from apps.temporal.database import database_problem

TEMPORAL_TIMEOUT = timedelta(seconds=1)
REQUEST_TIMEOUT = 5.0


class Probes:
    """GET /live and /ready, while it is entered. `client` is set once the workers poll with it, `stop` when they no longer do."""

    def __init__(self, stop: asyncio.Event) -> None:
        self.stop = stop
        self.client: Client | None = None
        self.server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        if address := settings.TEMPORAL_PROBE_ADDRESS:
            host, _, port = address.rpartition(":")
            try:
                self.server = await asyncio.start_server(self._answer, host.strip("[]"), int(port))
            except OSError as error:
                raise CommandError(f"TEMPORAL_PROBE_ADDRESS={address} cannot be used: {error}.") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.server:
            self.server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            asked = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), REQUEST_TIMEOUT)
            status, states = await self._states(asked.split(b" ")[1:2])
            body = json.dumps(states).encode()
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()

    async def _states(self, path: list[bytes]) -> tuple[HTTPStatus, dict[str, str]]:
        match path:
            case [b"/live"]:
                return HTTPStatus.OK, {"status": "ok"}
            case [b"/ready"]:
                problems = await asyncio.gather(asyncio.to_thread(database_problem), self._temporal_problem())
                database, temporal = (f"unreachable: {problem}" if problem else "ok" for problem in problems)
                worker = "draining" if self.stop.is_set() else "polling" if self.client else "connecting"
                ready = not any(problems) and worker == "polling"
                status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
                return status, {"worker": worker, "database": database, "temporal": temporal}
        return HTTPStatus.NOT_FOUND, {"status": "not found"}

    async def _temporal_problem(self) -> str:
        if self.client is None:
            return "not connected yet"
        try:
            await self.client.service_client.check_health(timeout=TEMPORAL_TIMEOUT)
        except (RPCError, RuntimeError) as error:
            return str(error)
        return ""

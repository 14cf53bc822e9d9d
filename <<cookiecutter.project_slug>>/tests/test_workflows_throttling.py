"""How often an address may ask is counted for that address, however many ask at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from config.throttling import PublicThrottle


def test_threads_count_each_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    throttle, both = PublicThrottle("both", "5/m"), threading.Barrier(2, timeout=180)

    class Slow:
        """A cache that answers once both have asked."""

        def get(self, key: str, default: Any) -> Any:
            both.wait()
            return cache.get(key, default)

        def set(self, key: str, value: Any, seconds: int) -> None:
            cache.set(key, value, seconds)

    def ask(address: str) -> bool:
        return throttle.allow_request(RequestFactory().post("/", REMOTE_ADDR=address))

    monkeypatch.setattr(PublicThrottle, "cache", Slow())
    addresses = ["192.0.2.1", "192.0.2.2"]
    with ThreadPoolExecutor(2) as threads:
        assert all(threads.map(ask, addresses))

    assert [len(cache.get(f"throttle_both_{address}", [])) for address in addresses] == [1, 1]

"""Bodies run at the same time, each on its own connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

Race = Callable[[Sequence[Callable[[], Any]]], list[Any]]


@pytest.fixture
def race(transactional_db: None) -> Race:
    """Start all bodies at once, each in a thread with its own connection; return each one's result, or the exception it raised."""

    def run(bodies: Sequence[Callable[[], Any]]) -> list[Any]:
        gate = threading.Barrier(len(bodies))

        def one(body: Callable[[], Any]) -> Any:
            try:
                connection.ensure_connection()
                gate.wait(timeout=30)
                return body()
            except Exception as error:
                return error
            finally:
                connection.close()

        with ThreadPoolExecutor(len(bodies)) as pool:
            return list(pool.map(one, bodies))

    return run

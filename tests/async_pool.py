"""Runs a test's operations as a server's event loop does, on psycopg's async pool (S19)."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import override_settings

from chatstore.db import async_pools
from tests.base import ALICE

OPTIONS = {"min_size": 4, "max_size": 4, "timeout": 10}


@pytest.mark.postgresql
class AsyncPoolMixin:
    """
    For a TransactionTestCase: its async tests, and what ``call`` runs, are in one event loop.

    Django's own test cases run async tests below sync code, where the pool is not used.
    """

    _testMethodName: str  # noqa: N815 (unittest's)

    def __call__(self, result: Any = None) -> None:
        test = getattr(self, self._testMethodName)
        with asyncio.Runner() as self._runner, override_settings(CHATSTORE_ASYNC_POOL=OPTIONS):
            if inspect.iscoroutinefunction(test):
                setattr(self, self._testMethodName, lambda: self.run_in_loop(test))
            super().__call__(result)  # type: ignore[misc]

    def run_in_loop(self, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        async def run() -> Any:
            try:
                return await function(*arguments)
            finally:
                # The loop's thread for sync code outlives the test and its database.
                await sync_to_async(connections.close_all)()

        return self._runner.run(run())

    def call(self, method: Any, *arguments: Any) -> Any:
        return self.run_in_loop(method, *arguments, ALICE)

    def tearDown(self) -> None:
        self._runner.run(async_pools.close_async_pools())
        super().tearDown()  # type: ignore[misc]

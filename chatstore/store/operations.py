"""Runs the operations of a store for the owner that a context names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from django.db import router

from chatstore import codec
from chatstore.db.attempts import Attempt, Steps
from chatstore.db.execution import run_steps
from chatstore.models import ChatSession
from chatstore.store.owner import Owner

TContext = TypeVar("TContext")
P = ParamSpec("P")
Result = TypeVar("Result")


class Operations(Generic[TContext]):
    """The base of DjangoStore."""

    def get_user_id(self, context: TContext) -> Any:
        """Return the owner's id; None if the context has none (S2)."""
        return codec.user_id_from_context(context)

    async def _read(
        self,
        operation: Callable[Concatenate[Owner, P], Steps[Result]],
        context: TContext,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Result:
        # From the database that is written to: after a stale read from a replica the SDK could
        # delete a finished tool call (S13).
        using = router.db_for_write(ChatSession)
        owner = Owner(using, codec.validate_user_id(self.get_user_id(context)))
        return await run_steps(using, lambda attempt: operation(owner, *args, **kwargs))

    async def _write(
        self,
        operation: Callable[Concatenate[Owner, Attempt, P], Steps[Result]],
        context: TContext,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Result:
        using = router.db_for_write(ChatSession)
        owner = Owner(using, codec.validate_user_id(self.get_user_id(context)))
        return await run_steps(using, lambda attempt: operation(owner, attempt, *args, **kwargs))

"""The methods of DjangoStore for answers that are finished without their client (S22)."""

from __future__ import annotations

import datetime as dt
from typing import Generic, TypeVar

from chatstore.store import running_answers
from chatstore.store.operations import Operations
from chatstore.store.running_answers import Changes

TContext = TypeVar("TContext")


class RunningAnswerMethods(Operations[TContext], Generic[TContext]):
    """ChatServer and the requests beside ChatKit's endpoint use them; ChatKit's have no such."""

    async def begin_answer(self, thread_id: str, until: dt.datetime, context: TContext) -> str:
        """Mark a thread as being answered; return the id of the newest request to stop."""
        return await self._write(running_answers.begin, context, thread_id, until)

    async def renew_answers(
        self, thread_ids: list[str], until: dt.datetime, context: TContext
    ) -> None:
        """Move the marks of threads on."""
        await self._write(running_answers.renew, context, thread_ids, until)

    async def end_answer(self, thread_id: str, until: dt.datetime, context: TContext) -> None:
        """Take the mark away, unless another answer has moved it on to another time."""
        await self._write(running_answers.end, context, thread_id, until)

    async def stop_answers(self, thread_id: str, context: TContext) -> None:
        """Tell all processes to stop the thread's answers; NotFoundError for an unknown thread."""
        await self._write(running_answers.stop, context, thread_id)

    async def load_changes(self, thread_id: str | None, context: TContext) -> Changes:
        """Return which threads are being answered, and what changes with this thread."""
        return await self._read(running_answers.load_changes, context, thread_id)

"""ModeratedServer: the part of ChatServer that moderators' work depends on."""

from __future__ import annotations

import logging
from typing import Any, Generic, TypeVar, cast

from chatkit.types import AssistantMessageItem, FeedbackKind, UserMessageItem
from django.utils.translation import gettext as _

from chatstore import codec
from chatstore.conf import settings
from chatstore.db.execution import run
from chatstore.exceptions import LimitReached, RequestRefused
from chatstore.models import ChatReport
from chatstore.moderation import flagging, reports
from chatstore.moderation.people import describe_suspension
from chatstore.moderation.records import get_database
from chatstore.server import user_limits
from chatstore.server.answer_server import AnswerServer
from chatstore.server.errors import describe
from chatstore.server.stores import ExtendedStore, SuspensionStore
from chatstore.store import DjangoStore
from chatstore.turns import Turn

logger = logging.getLogger(__name__)
TContext = TypeVar("TContext")


class ModeratedServer(AnswerServer[TContext], Generic[TContext]):
    """Feedback, reports, the flagger, and suspensions."""

    def get_user_id(self, context: TContext) -> Any:
        """
        Return the id of whoever a request is served for: what the store finds in the context.

        A store of another package without a ``get_user_id`` may have contexts that name nobody:
        None then.
        """
        get_user_id = getattr(self.store, "get_user_id", codec.user_id_from_context)
        return cast(Any, get_user_id(context))

    async def add_feedback(
        self, thread_id: str, item_ids: list[str], feedback: FeedbackKind, context: TContext
    ) -> None:
        """
        Keep the feedback with its items (V1); with CHATSTORE_REPORT_THUMBS_DOWN report them (M5).

        Raises NotImplementedError (501) where the store has no method for it.
        """
        if not isinstance(self.store, ExtendedStore):
            raise NotImplementedError("The store is no ExtendedStore, and keeps no feedback")
        await self.store.save_feedback(thread_id, item_ids, feedback, context)
        if feedback == "negative" and settings.report_thumbs_down:
            for item_id in item_ids:
                await self._report_feedback(thread_id, item_id, context)

    async def add_feedback_comment(
        self, thread_id: str, item_id: str, comment: str, context: TContext
    ) -> None:
        """
        Keep what a user has written with a thumb down; with CHATSTORE_REPORT_THUMBS_DOWN it is in
        the report too (M5).

        Raises what ``report`` raises, and NotImplementedError (501) where the store has none.
        """
        if not isinstance(self.store, DjangoStore):
            raise NotImplementedError("The store keeps no comments")
        await self.check_may_write(context)
        await user_limits.admit(self.get_user_id(context), user_limits.CREATION)
        await self.store.save_feedback_comment(thread_id, item_id, comment, context)
        if settings.report_thumbs_down:
            await self._report_feedback(thread_id, item_id, context, comment)

    async def _report_feedback(
        self, thread_id: str, item_id: str, context: TContext, comment: str | None = None
    ) -> None:
        user_id = codec.validate_user_id(self.get_user_id(context))
        try:
            await run(
                get_database(),
                lambda attempt: reports.flag_feedback(user_id, thread_id, item_id, comment),
            )
        except Exception as error:  # noqa: BLE001 (the feedback itself is stored)
            logger.warning("Feedback on %s was not reported: %s", item_id, describe(error))

    async def report(
        self, thread_id: str, item_id: str, reason: str, words: str, context: TContext
    ) -> None:
        """
        Report a message to the moderators for its user (M5).

        Raises LimitReached (429) where the user has created too much, and NotFoundError for what
        the user has no such message of.
        """
        await self.check_may_write(context)
        await user_limits.admit(self.get_user_id(context), user_limits.CREATION)
        await self._flag(
            context, thread_id, item_id, reason=reason, words=words, source=ChatReport.Source.USER
        )

    async def admit_upload(self, context: TContext) -> None:
        """
        Count a direct upload.

        Raises LimitReached where the user has created too much (V7), and RequestRefused (403) for
        a suspended person (M6).
        """
        await self.check_may_write(context)
        await user_limits.admit(self.get_user_id(context), user_limits.CREATION)

    async def admit_export(self, context: TContext) -> user_limits.Admission:
        """Count a download of one's own threads, whose stream the caller ends (V7, V10)."""
        await self.check_may_read(context)
        cost = user_limits.CREATION + user_limits.STREAM
        return await user_limits.admit(self.get_user_id(context), cost)

    async def admit_search(self, context: TContext) -> None:
        """
        Count a search in one's own messages; as many are let in each minute as messages (V7).

        Raises LimitReached (429) where the user has searched too much.
        """
        await self.check_may_read(context)
        user_id = self.get_user_id(context)
        if user_id is None:
            return
        try:  # a count of its own: no user's id has a NUL (S2)
            await user_limits.admit(f"{user_id}\0search", user_limits.MESSAGE)
        except LimitReached as error:
            sentence = _("You are searching too quickly. Try again in a moment.")
            raise LimitReached(sentence, retry_after=error.retry_after) from None

    async def check_may_read(self, context: TContext) -> None:
        """Do what check_may_write does where CHATSTORE_SUSPENDED_MAY_READ is off."""
        if not settings.suspended_may_read:
            await self.check_may_write(context)

    async def check_may_write(self, context: TContext) -> None:
        """Raise RequestRefused (403), with the reason, if the user is suspended (M6)."""
        if self.get_user_id(context) is None or not isinstance(self.store, SuspensionStore):
            return
        if suspension := await self.store.load_suspension(context):
            raise RequestRefused(describe_suspension(*suspension), 403)

    async def _flag(
        self, context: TContext, thread_id: str, item_id: str, **options: str
    ) -> ChatReport:
        user_id = codec.validate_user_id(self.get_user_id(context))
        return await run(
            get_database(),
            lambda attempt: reports.flag(user_id, thread_id, item_id, reporter=user_id, **options),
        )

    def _show_to_flagger(self, thread_id: str, turn: Turn, context: TContext) -> None:
        """Let the flagger look at the messages that the turn has stored."""
        if not settings.flagger or turn.is_replaced:
            return
        texts = [
            (item.id, codec.plain_text(item))
            for item in turn.stored.values()
            if isinstance(item, (UserMessageItem, AssistantMessageItem))
        ]
        flagging.submit(self.get_user_id(context), thread_id, texts)

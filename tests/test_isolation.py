"""S3, A2: every request of the endpoint, sent with another user's ids."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.test import AsyncClient, TestCase

from chatstore import urls
from tests.endpoint import REQUEST_TYPES, Belongings, EndpointMixin
from tests.rows import everything

# The status that charlie gets for alice's ids. A type that is missing here fails a test.
EXPECTED = {
    "threads.create": 404,  # with her attachment
    "threads.get_by_id": 404,
    "threads.list": 404,  # with her thread as cursor
    "threads.add_user_message": 404,
    "threads.add_client_tool_output": 404,
    "threads.add_structured_input": 404,
    "threads.retry_after_item": 404,
    "threads.custom_action": 404,
    "threads.sync_custom_action": 404,
    "threads.update": 404,
    "threads.delete": 200,
    "items.list": 200,
    "items.feedback": 404,
    "attachments.create": None,  # contains no id
    "attachments.delete": 404,
    "input.transcribe": None,
}


class IsolationTests(EndpointMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.has = Belongings.of(self.alice["user_id"], "thr_alice", text="her secret")
        self.stranger = AsyncClient()
        self.stranger.force_login(self.other)

    def test_every_request_type_of_the_sdk_has_its_case(self) -> None:
        self.assertEqual(set(EXPECTED), REQUEST_TYPES)
        self.assertEqual(set(self.has.requests()), REQUEST_TYPES)

    async def check(self, kind: str, params: dict, status: int) -> None:
        before = await self.rows()
        response = await self.post(kind, params, self.stranger)
        if status == 200:
            self.assertIn(response.json(), ({}, {"data": [], "has_more": False}))
        else:
            self.assert_refused(response, status)
        self.assertNotIn(b"secret", response.content)
        self.assertEqual(await self.rows(), before)

    async def rows(self) -> list:
        return await sync_to_async(everything)()

    async def test_S3_every_request_with_another_users_ids(self) -> None:
        for kind, params in self.has.requests().items():
            if status := EXPECTED[kind]:
                with self.subTest(kind):
                    await self.check(kind, params, status)

    async def test_S3_the_same_item_ids_in_ones_own_thread_are_ones_own(self) -> None:
        for kind in sorted(REQUEST_TYPES - {"input.transcribe"}):
            own = await sync_to_async(Belongings.of)(self.charlie["user_id"], f"thr_{kind}")
            with self.subTest(kind):
                response = await self.post(kind, own.requests()[kind], self.stranger)
                self.assertEqual(response.status_code, 200)
        response = await self.post("threads.list", {}, self.stranger)
        self.assertNotIn("thr_alice", response.content.decode())
        items = await self.get("items.list", thread_id="thr_alice", order="asc")
        self.assertEqual(len(items["data"]), 5)

    async def test_S3_one_users_thread_with_another_users_items(self) -> None:
        own = await sync_to_async(Belongings.of)(self.charlie["user_id"], "thr_charlie")
        own.thread_id = "thr_alice"
        for kind, params in own.requests().items():
            if EXPECTED[kind] and "thread_id" in params:
                with self.subTest(kind):
                    await self.check(kind, params, EXPECTED[kind])
        message = {**own.requests()["threads.create"]["input"], "attachments": [self.has.upload]}
        params = {"thread_id": "thr_charlie", "input": message}
        await self.check("threads.add_user_message", params, 404)

    async def test_A2_every_url_with_another_users_ids(self) -> None:
        tried = {
            "page": None,  # contains no id
            "diagram": None,
            "entities": None,  # the application's own; tests/test_page_options.py
            "api": None,  # above
            "upload": None,
            "report": None,  # below
            "search": None,  # tests/test_own_search.py
            "feedback_comment": None,  # below
            "threads": None,  # of these, tests/test_own_threads.py
            "thread": None,
            "answer": None,  # of these, tests/test_running_answers.py
            "stop": None,
            "changes": None,
            "thread_export": None,  # tests/test_user_exports.py
            "export": None,
            "shared": None,  # for whoever has the link: tests/test_shares.py
            "shared_items": None,
            "unknown": None,  # tests/test_failures.py
            "file": [("get", 404), ("put", 404), ("post", 404), ("delete", 405)],
        }
        self.assertEqual({pattern.name for pattern in urls.urlpatterns}, set(tried))
        report = {"thread_id": "thr_alice", "item_id": self.has.answer, "reason": "wrong"}
        response = await self.stranger.post(
            "/chat/reports/", report, content_type="application/json"
        )
        self.assert_refused(response, 404)
        comment = {"thread_id": "thr_alice", "item_id": self.has.answer, "comment": "Wrong."}
        response = await self.stranger.post(
            "/chat/feedback/", comment, content_type="application/json"
        )
        self.assert_refused(response, 404)
        for method, status in tried["file"]:
            with self.subTest(method):
                send = getattr(self.stranger, method)
                options = {} if method == "get" else {"content_type": "text/plain", "data": b"x"}
                response = await send(f"/chat/files/{self.has.upload}/", **options)
                self.assert_refused(response, status)

    async def test_without_sign_in_each_request_is_401(self) -> None:
        nobody = AsyncClient()
        before = await self.rows()
        for kind, params in self.has.requests().items():
            with self.subTest(kind):
                self.assert_refused(await self.post(kind, params, nobody), 401)
        response = await nobody.get("/chat/")
        self.assertEqual(response.status_code, 302)
        for path in (
            "/chat/reports/",
            "/chat/feedback/",
            "/chat/files/",
            f"/chat/files/{self.has.upload}/",
        ):
            self.assert_refused(await nobody.post(path), 401)
            self.assert_refused(await nobody.get(path), 401)
        self.assertEqual(await self.rows(), before)

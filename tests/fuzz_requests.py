"""
Random requests to the endpoint, the files and the admin, for tests.fuzz.

Each begins as a request that is right, and is changed in up to three places. The same seed gives
the same requests. Two things are left out, which Django's own middleware and error pages fail on
before any view is asked: a wrong Host, and forms in another charset than UTF-8 to the admin.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from chatstore.models import file_key, message_key, session_key
from tests.endpoint import API, Belongings
from tests.moderators import MESSAGES, RECORDS, REPORTS, THREADS
from tests.uploading import HTML, PDF, PNG, SVG, ZIP

CANARY = "xyzzyplugh"  # in what is generated, and in no answer that refuses it
FILES = "/chat/files/"
# Requests beside ChatKit's that promise JSON where they refuse.
OWN = (
    "/chat/(threads/([^/]+/((export|answer|stop)/.*)?)?|(export|reports|changes|search|feedback)/.*"
    "|entities/.*|shared/[^/]+/items/)"
)
THREAD, ATTACHMENT = "thr_fuzz", "atc_thr_fuzz"  # alice's; see tests.fuzz
JSON = "application/json"
BOUNDARY = "fuzzedge"
ADMIN_PAGES = (
    "", "add/", "search/", "overview/", "reason/search/", "reason/{wild}/", "{thread}/change/",
    "{thread}/transcript/", "{thread}/export/", "{thread}/do/lock/", "{thread}/do/reopen/",
    "{thread}/do/hold/", "{thread}/do/release/", "{thread}/do/{wild}/", "{thread}/history/",
    "{thread}/items/{item}/", "{thread}/items/{item}/do/hide/", "{thread}/items/{item}/do/show/",
    "{thread}/items/{item}/do/redact/", "{thread}/files/{file}/", "{wild}/change/",
    "{wild}/transcript/",
)  # fmt: skip
ADMIN_FIELDS = {
    "q": "Hello", "p": "1", "o": "1.-2", "all": "", "e": "1", "_facets": "True", "_popup": "1",
    "state": "active", "status": "locked", "moderation": "locked", "is_on_hold__exact": "1",
    "activity": "old", "thumbs": "up", "updated_at__year": "2026", "updated_at__month": "11",
    "updated_at__day": "27", "updated_at__gte": "2026-01-01", "feedback": "positive",
    "feedback__isnull": "True", "action": "lock", "days": "30", "until": "1764000000000000",
    "since": "2026-01-01", "sender": "user", "next": "/admin/", "reason": "Spam", "typed": "redact",
    "with_title": "on", "format": "jsonl", "_selected_action": "1", "select_across": "1",
    "index": "0", "post": "yes", "user_id": "alice", "session__user_id": "1", "id__in": "1,2",
    "_changelist_filters": "q=1", "_to_field": "session_id", "csrfmiddlewaretoken": "a",
}  # fmt: skip


@dataclass
class FuzzedRequest:
    """A request as a server receives it; text stands for bytes, in Latin-1."""

    user: str  # alice, charlie or root; empty: nobody
    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Requests:
    """A source of random requests."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        belongings = Belongings({}, THREAD, upload=ATTACHMENT)
        self.right = {kind: json.dumps(params) for kind, params in belongings.requests().items()}
        self.thread = str(session_key(THREAD))
        self.items = [str(message_key(THREAD, item)) for item in ("msg_user", "msg_answer")]
        self.file = str(file_key(ATTACHMENT))

    def next(self) -> FuzzedRequest:
        """Return a request: of twenty, ten to the endpoint, five to what is beside it."""
        kinds = [self.to_endpoint] * 10 + [self.for_own] * 5
        kinds += [self.for_file, self.for_file, self.to_admin, self.to_admin, self.to_admin]
        return self.random.choice(kinds)()

    # Parts

    def one_of(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def happens(self, probability: float) -> bool:
        return self.random.random() < probability

    def text(self) -> str:
        """Return a text that something might fail on."""
        return self.one_of(
            "", CANARY, f"{CANARY}\0", f"\ud83d{CANARY}", f"{CANARY}\udfff", "\u202e\u2028\r\n",
            "' OR 1=1 --", "%s%d%(x)s{0}", "../../etc/passwd", "<script>alert(1)</script>",
            "\U0001f44b" * 50, CANARY * 500, "9" * 400, "-1", "1e400", "NaN", "null", "\x7f\x01",
            str(2**63), THREAD, "thr_other", ATTACHMENT, "msg_user", "2026-11-28", "0000-00-00",
        )  # fmt: skip

    def value(self, depth: int = 0) -> Any:
        """Return any JSON value."""
        choices = [
            self.text, self.text, lambda: self.one_of(None, True, False, [], {}),
            lambda: self.one_of(0, -1, 1, 10**30, 1.5, -0.0, float("nan"), float("inf"), 2**31),
        ]  # fmt: skip
        if depth < 3:
            choices += [
                lambda: [self.value(depth + 1) for _ in range(self.one_of(1, 2, 30))],
                lambda: {self.text(): self.value(depth + 1) for _ in range(self.one_of(1, 2, 9))},
            ]
        return self.one_of(*choices)()

    def change(self, document: Any) -> Any:
        """Return a document that is changed in one place, anywhere in it."""
        children = list(document) if isinstance(document, dict) else []
        if isinstance(document, list):
            children = list(range(len(document)))
        if not children or self.happens(0.2):
            return self.value()
        key = self.random.choice(children)
        if self.happens(0.1):
            document.pop(key)
        elif isinstance(document, dict) and self.happens(0.1):
            document[self.text()] = self.value()
        else:
            document[key] = self.change(document[key])
        return document

    def spoil(self, body: bytes) -> bytes:
        """Return bytes that are changed in one place."""
        position = self.random.randrange(len(body) + 1)
        return self.one_of(
            lambda: body[:position],
            lambda: body[:position] + self.random.randbytes(3) + body[position:],
            lambda: body[:position] + b"\0" + body[position + 1 :],
            lambda: b"\xef\xbb\xbf" + body,
            lambda: body.decode("utf-8", "replace").encode(self.one_of("utf-16", "utf-32")),
            lambda: body + body,
            lambda: b"[" * 5000 + body,
        )()

    def headers(self, content_type: str) -> dict[str, str]:
        headers = {"content-type": content_type}
        if self.happens(0.1):
            charset = self.one_of("utf-16", "latin-1", "utf-7", "idna", "hex", "none", "", CANARY)
            headers["content-type"] += f"; charset={charset}"
        if self.happens(0.1):
            headers["content-type"] = self.one_of(
                "", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain",
                f"multipart/form-data; boundary={'x' * 300}", "a/b/c;;=;", "\xff\xfe", JSON,
                "multipart/form-data; boundary=\xfc", f"multipart/form-data; boundary={BOUNDARY}",
            )  # fmt: skip
        if self.happens(0.05):
            name = self.one_of(
                "accept-language", "x-csrftoken", "content-encoding", "authorization", "origin",
                "referer", "x-forwarded-for", "if-modified-since", "range", "accept", "cookie",
                "content-length", "x-http-method-override", "transfer-encoding",
            )  # fmt: skip
            headers[name] = self.one_of(
                "", CANARY, "\xff\xfe", "x" * 5000, "-1", "1", "null", "gzip", "bytes=5-1", "*/*",
                "de;q=9", "=;=;", "http://evil.example", 'sessionid="a', "csrftoken=\xff",
            )  # fmt: skip
        return headers

    def query(self, *names: str) -> str:
        if self.happens(0.01):
            return "&".join([CANARY] * 1500)
        fields = [(name, self.text()) for name in names if self.happens(0.5)]
        pairs = urlencode(fields, errors="surrogatepass")
        return self.one_of(pairs, pairs, pairs, "%", "%ff=%fe", "a=%00&b", "=&=&;", "\xff")

    def user(self, *likely: str) -> str:
        return self.one_of(*likely * 8, "charlie", "")

    # Requests

    def to_endpoint(self) -> FuzzedRequest:
        kind = self.random.choice(sorted(self.right))
        document: Any = {"type": kind, "params": json.loads(self.right[kind])}
        if self.happens(0.2):
            document["metadata"] = {
                self.one_of("replaces", "temporary"): self.one_of("msg_user", "msg_answer", True)
            }
        for _ in range(self.one_of(0, 1, 1, 1, 2, 3)):
            document = self.change(document)
        body = json.dumps(document).encode()
        if self.happens(0.1):
            body = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
        if self.happens(0.1):
            body = self.spoil(body)
        headers = self.headers(JSON)
        if self.happens(0.3):
            headers["x-chatstore-finish"] = self.one_of("1", "", "0", CANARY, "\xff")
        return FuzzedRequest(
            self.user("alice"),
            self.one_of(*["POST"] * 30, "GET", "PUT", "HEAD", "OPTIONS", "TRACE", "PROPFIND"),
            API,
            self.query("a") if self.happens(0.05) else "",
            headers,
            body.decode("latin-1"),
        )

    def for_file(self) -> FuzzedRequest:
        file_id = self.one_of(*[ATTACHMENT] * 3, self.text(), quote(self.text(), errors="replace"))
        path = self.one_of(FILES, FILES, f"{FILES}{file_id.replace('/', '') or 'x'}/")
        method = self.one_of("POST", "POST", "PUT") if path == FILES else self.one_of("GET", "PUT")
        if self.happens(0.1):
            method = self.one_of("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
        body, content_type = self.form()
        if self.happens(0.3):
            body, content_type = self.content(), self.one_of("image/png", "text/plain", "")
        if self.happens(0.2):
            body = self.spoil(body)
        query = self.query("chatstore", "x") if self.happens(0.5) else ""
        headers = self.headers(content_type)
        return FuzzedRequest(
            self.user("alice"), method, path, query, headers, body.decode("latin-1")
        )

    def for_own(self) -> FuzzedRequest:
        """Return a request to one of the URLs beside ChatKit's endpoint."""
        # With a slash it would be no URL of ours.
        wild = quote(self.text().replace("/", ""), safe="", errors="replace") or "x"
        thread = self.one_of(*[THREAD] * 3, wild)
        path = "/chat/" + self.one_of(
            f"threads/{thread}/", "threads/", f"threads/{thread}/export/", "export/", "reports/",
            f"shared/{wild}/items/", f"shared/{wild}/", f"threads/{thread}/answer/",
            f"threads/{thread}/stop/", "changes/", "search/", "search/", "feedback/", "entities/",
            "entities/", self.one_of("entities/", "search/", "feedback/", "changes/") + wild,
        )  # fmt: skip
        document: Any = {self.one_of("pinned", "archived", "shared"): self.one_of(True, False)}
        item = {"thread_id": THREAD, "item_id": "msg_answer"}
        if path == "/chat/reports/":
            document = {**item, "reason": "wrong", "words": "x"}
        elif path == "/chat/feedback/":
            document = {**item, "comment": "x"}
        elif path == "/chat/entities/":
            document = {"entity": {"id": "1", "title": "x", "data": {"a": self.value()}}}
        for _ in range(self.one_of(0, 0, 1, 2)):
            document = self.change(document)
        cursor = f"{self.one_of(0, 1, -1, '')}{self.one_of('9' * 18, 62135596800000000, 0)}_"
        cursor = quote(
            cursor + self.one_of("0" * 32, "f" * 32, "f" * 31, self.text()), errors="replace"
        )
        query = self.one_of(
            "list=pinned", "list=archived", "format=json", "format=markdown", "q=hello",
            f"list=recent&after={cursor}", f"q=hello&after={cursor}", f"thread={THREAD}",
            f"list=recent&limit={self.one_of(0, 1, '%d9%a3', '9' * 9, '9' * 30, '1e3')}",
            f"q={'a+' * self.one_of(1, 499)}", f"q={'%22a b%22+' * 90}", "q=%e4%bd%a0%e5%a5%bd%00",
        )  # fmt: skip
        if self.happens(0.5):
            query = self.query("list", "after", "format", "q", "thread", "limit")
        method = self.one_of(*["GET", "POST"] * 8, "PUT", "HEAD", "DELETE", "OPTIONS")
        body = json.dumps(document).encode()
        if self.happens(0.1):
            body = self.one_of(
                self.spoil(body), b'{"entity":{"id":"1","title":"x","data":{"a":'
                + b"[" * 800 + b"]" * 800 + b"}}}",
            )  # fmt: skip
        headers = self.headers(JSON)
        if self.happens(0.1):
            headers[self.one_of("if-none-match", "if-match")] = self.one_of(
                "*", '"x"', CANARY, 'W/"', "\xff\xfe", '"' * 3000
            )
        return FuzzedRequest(
            self.user("alice"), method, path, query, headers, body.decode("latin-1")
        )

    def content(self) -> bytes:
        return self.one_of(
            b"", PNG, PDF, SVG, HTML, ZIP, b"some text", b"{\\rtf1", b"a,b\n1,2", b"\xff\xfe<\x00",
            b"#!/bin/sh", b"PK\x03\x04", b"\x1f\x8b\x08", b"RIFF\0\0\0\0WEBP", b"\0" * 100,
            self.random.randbytes(100), CANARY.encode(), b"<!--" * 3000, b"%PDF-" + b"\0" * 8192,
        )  # fmt: skip

    def form(self) -> tuple[bytes, str]:
        name = self.one_of("a.txt", "a.png", self.text(), "a.html", "x" * 400, 'a"; x="y')
        parts = b""
        for _ in range(self.one_of(1, 1, 1, 2, 200)):
            parts += f"--{BOUNDARY}\r\n".encode() + self.one_of(
                f'Content-Disposition: form-data; name="file"; filename="{name}"',
                f'Content-Disposition: form-data; name="{self.text()}"; filename="a"',
                "Content-Disposition: form-data; name=file; filename*=utf-8''%ff%00",
                f"Content-Disposition: form-data; filename={name}",
                f'Content-Disposition: form-data; name="{CANARY}"',
                "Content-Disposition",
            ).encode("utf-8", "surrogatepass")
            parts += self.one_of(
                b"", b"\r\nContent-Type: text/plain", b"\r\nContent-Type: a/b; charset=utf-9",
                b"\r\nContent-Transfer-Encoding: base64", b"\r\nContent-Length: -1",
                b"\r\nContent-Type: multipart/mixed; boundary=y",
            )  # fmt: skip
            parts += b"\r\n\r\n" + self.content() + b"\r\n"
        return parts + f"--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"

    def to_admin(self) -> FuzzedRequest:
        base = self.one_of(*[THREADS] * 4, MESSAGES, RECORDS, REPORTS, "/admin/")
        wild = quote(self.text(), safe="", errors="replace")
        path = base + self.one_of(*ADMIN_PAGES).format(
            wild=wild, thread=self.thread, item=self.random.choice(self.items), file=self.file
        )
        names = self.random.sample(sorted(ADMIN_FIELDS), self.one_of(0, 1, 2, 3))
        fields = [(name, ADMIN_FIELDS[name]) for name in names]
        fields = [
            (name, self.text() if self.happens(0.6) else right if self.happens(0.9) else wild)
            for name, right in fields
        ]
        # The person whose thread is locked reads the reason.
        fields = [
            (name, value.replace(CANARY, "Spam") if name == "reason" else value)
            for name, value in fields
        ]
        pairs = urlencode(fields, errors="surrogatepass")
        if self.happens(0.6):
            return FuzzedRequest(self.user("root"), "GET", path, pairs)
        content_type = "application/x-www-form-urlencoded"
        headers = {"content-type": content_type}
        request = FuzzedRequest(self.user("root"), "POST", path, "", headers, pairs)
        if self.happens(0.2):
            request.query, request.body = pairs, "reason=Spam&post=yes&typed=redact"
        return request

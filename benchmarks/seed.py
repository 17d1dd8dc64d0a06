"""
Fills the tables quickly: 200,000 threads with 2,000,000 messages in a minute or two.

Rows are inserted by COPY on PostgreSQL and by executemany elsewhere, without the store; they equal
those that the store would write.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    InferenceOptions,
    ThreadMetadata,
    UserMessageItem,
    UserMessageTextContent,
)
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from chatstore import codec
from chatstore.models import ChatMessage, ChatSession, message_key, session_key

THREADS = 200_000
MESSAGES = 10  # in each
USERS = 20_000
DAYS = 365  # the threads' times of creation are spread evenly over this many days
CHUNK = 2_000

WORDS = """
bicycle brake chain saddle wheel spoke pump tyre valve lamp bell frame fork pedal gear
how what when why please thanks order refund invoice delivery address password account
the a of in to for and is it on with my your this that not can do have will be from
""".split()  # noqa: SIM905 (shorter than a list)
# Of other scripts, some of which are written without spaces.
UNSPACED = """
队列 消息 服务器 任务 部署 数据库 错误 日志 用户 配置 更新 版本 测试 文件 网络 问题 请问
如何 谢谢 订单 退款 自行车 刹车 链条 车座 轮子 地址 密码 账户 我们 可以 已经 需要 因为
マークダウン ダウンロード サーバー エラー 設定 更新 自転車 ブレーキ 注文 返金 住所 方法
""".split()  # noqa: SIM905
SPACED = """
배포 서버 오류 설정 주문 환불 주소 비밀번호 자전거 감사합니다 어떻게 할까요 배포합니다
сервер ошибка отчёт заказ возврат адрес пароль велосипед тормоз спасибо можно нужно как
docker compose container deploy queue worker markdown parser release version cluster restart
""".split()  # noqa: SIM905
SCRIPTS = {"": UNSPACED, " ": SPACED}  # by what stands between the words
SCRIPTS_SHARE = 0.1  # of the messages that hold words of SCRIPTS too
RARE_WORDS = "Hapax", "缓存"  # in ten messages of each call of seed()


def seed(
    threads: int = THREADS,
    messages: int = MESSAGES,
    users: int = USERS,
    prefix: str = "seed",
    newest: dt.timedelta = dt.timedelta(),
) -> None:
    """
    Write threads and analyze the tables.

    Args:
        threads: how many.
        messages: how many in each thread.
        users: how many owners the threads are distributed to.
        prefix: the beginning of the threads' ids; must differ between calls.
        newest: the age of the newest thread.
    """
    newest_at = timezone.now() - newest
    step = dt.timedelta(days=DAYS) / threads
    starts = [newest_at - step * (threads - number) for number in range(threads)]
    choose = random.Random(prefix)

    def sessions() -> Iterator[dict[str, Any]]:
        values = codec.session_values(ThreadMetadata(id="ID", title="TITLE", created_at=newest_at))
        for number, start in enumerate(starts):
            thread_id, title = f"{prefix}_{number}", _text(choose, 4)
            yield {
                **values,
                "session_id": session_key(thread_id),
                "thread_id": thread_id,
                "user_id": f"user_{number % users}",
                "title": title,
                "payload": values["payload"].replace("ID", thread_id).replace("TITLE", title),
                "created_at": start,
                "updated_at": start + dt.timedelta(seconds=messages - 1),
                "is_started": messages > 0,
            }

    def items() -> Iterator[dict[str, Any]]:
        question = codec.message_values(
            UserMessageItem(
                id="ID",
                thread_id="THREAD",
                created_at=newest_at,
                content=[UserMessageTextContent(text="TEXT")],
                inference_options=InferenceOptions(),
            )
        )
        answer = codec.message_values(
            AssistantMessageItem(
                id="ID",
                thread_id="THREAD",
                created_at=newest_at,
                content=[AssistantMessageContent(text="TEXT")],
            )
        )
        for number, start in enumerate(starts):
            thread_id = f"{prefix}_{number}"
            key = session_key(thread_id)
            for index in range(messages):
                values = answer if index % 2 else question
                item_id, text = f"msg_{index}", _text(choose, 40 if index % 2 else 12)
                if choose.random() < SCRIPTS_SHARE:
                    text += f" {_text_of_scripts(choose)}"
                if number == 0 and index < MESSAGES:
                    text += f" {' '.join(RARE_WORDS)}"
                payload = values["payload"].replace("THREAD", thread_id)
                yield {
                    **values,
                    "message_id": message_key(thread_id, item_id),
                    "session_id": key,
                    "user_id": f"user_{number % users}",
                    "item_id": item_id,
                    "content": text,
                    "payload": payload.replace("ID", item_id).replace("TEXT", text),
                    "timestamp": start + dt.timedelta(seconds=index),
                }

    with transaction.atomic():
        _insert(ChatSession, sessions())
        _insert(ChatMessage, items())
    analyze()


def analyze() -> None:
    """Let the database collect its statistics, as it does by itself in the long run."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE chat_sessions")
            cursor.execute("VACUUM ANALYZE chat_messages")
        elif connection.vendor == "mysql":
            cursor.execute("ANALYZE TABLE chat_sessions, chat_messages")
            cursor.fetchall()
        else:
            cursor.execute("ANALYZE")


def _text(choose: random.Random, words: int) -> str:
    return " ".join(choose.choices(WORDS, k=words))


def _text_of_scripts(choose: random.Random) -> str:
    space, words = choose.choice([*SCRIPTS.items()])
    return space.join(choose.choices(words, k=12))


def _adapters(model: type[Model]) -> dict[str, tuple[str, Any, Callable[[Any], Any]]]:
    """Return each column's name, its default, and a function that adapts values for the driver."""
    is_native = connection.features.has_native_uuid_field
    adapt_time = connection.ops.adapt_datetimefield_value

    def adapt(value: Any) -> Any:
        if isinstance(value, uuid.UUID):
            return (
                value
                if is_native and connection.vendor == "postgresql"
                else (str(value) if is_native else value.hex)
            )
        if isinstance(value, dt.datetime):
            return value if connection.vendor == "postgresql" else adapt_time(value)
        return value

    columns = {}
    for field in model._meta.concrete_fields:
        if field.generated:
            continue
        if field.get_internal_type() == "JSONField":
            columns[field.attname] = (field.column, {}, lambda value: "{}")
        else:
            columns[field.attname] = (field.column, field.get_default(), adapt)
    return columns


def _insert(model: type[Model], rows: Iterable[dict[str, Any]]) -> None:
    adapters = _adapters(model)
    values = (
        tuple(adapt(row.get(name, default)) for name, (_, default, adapt) in adapters.items())
        for row in rows
    )
    quote = connection.ops.quote_name
    columns = ", ".join(quote(column) for column, *_ in adapters.values())
    table = quote(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for value in values:
                    copy.write_row(value)
            return
        places = ", ".join(["%s"] * len(adapters))
        while chunk := list(islice(values, CHUNK)):
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", chunk)

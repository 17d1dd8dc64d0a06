"""
Indexes for the moderators on PostgreSQL: of words, and partial indexes for rare states.

On other databases it does nothing: MariaDB has no partial indexes, and SQLite would lose them when
Django rebuilds a table, since they are not in the models' state. They are built concurrently, so
that chats can go on; a failed build leaves an invalid index, which the next migrate drops.
"""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Left


def vector(column):
    # The expression that chatstore.moderation.search uses; copied, as a migration must not change.
    return SearchVector(Left(column, 100_000), config="simple")


INDEXES = {
    "ChatSession": [
        GinIndex(vector("title"), name="chat_sessions_title"),
        models.Index(
            fields=["moderation", "updated_at", "session_id"],
            condition=~Q(moderation=""),
            name="chat_sessions_moderated",
        ),
        models.Index(
            fields=["status", "updated_at", "session_id"],
            condition=~Q(status="active"),
            name="chat_sessions_inactive",
        ),
        models.Index(
            fields=["updated_at", "session_id"],
            condition=Q(is_on_hold=True),
            name="chat_sessions_on_hold",
        ),
    ],
    "ChatMessage": [
        GinIndex(vector("content"), name="chat_messages_words"),
        models.Index(
            fields=["feedback", "timestamp", "message_id"],
            condition=~Q(feedback=""),
            name="chat_messages_feedback",
        ),
        models.Index(
            fields=["user_id", "session", "feedback"],
            condition=~Q(feedback=""),
            name="chat_messages_thumbs",
        ),
    ],
}


def create_indexes(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for name, indexes in INDEXES.items():
        model = apps.get_model("chatstore", name)
        for index in indexes:
            quoted = schema_editor.quote_name(index.name)
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quoted}")
            schema_editor.add_index(model, index, concurrently=True)


def drop_indexes(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for name, indexes in INDEXES.items():
        for index in indexes:
            schema_editor.remove_index(apps.get_model("chatstore", name), index, concurrently=True)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("chatstore", "0003_moderation"),
    ]

    operations = [
        migrations.RunPython(create_indexes, drop_indexes),
    ]

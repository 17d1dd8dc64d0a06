"""
On PostgreSQL, full-text indexes that also find words of scripts without spaces.

They take the place of those of migration 0004. They are built concurrently, so that chats can go
on; a failed build leaves an invalid index, which the next migrate drops.
"""

import importlib

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import migrations
from django.db.models import Func, TextField, Value
from django.db.models.functions import Left

# Copied from chatstore.moderation.words, as a migration must not change.
LETTER = (
    "[\u0e01-\u0e3a\u0e40-\u0e4e\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9d\U00020000-\U000323af]"
)


def replace(text, pattern, by):
    arguments = (text, Value(pattern), Value(by), Value("g"))
    return Func(*arguments, function="regexp_replace", output_field=TextField())


def vector(column):
    text = Left(column, 100_000)
    spaced = replace(text, f"{LETTER}+", " ")
    unspaced = Left(replace(text, f"[^{LETTER[1:]}+", " "), 50_000)
    shifted = replace(unspaced, f"(^| )({LETTER})", r"\1\2 ")
    pairs = (replace(half, f"({LETTER}{{2}})", r"\1 ") for half in (unspaced, shifted))
    return SearchVector(spaced, *pairs, config="simple")


OLD_INDEXES = importlib.import_module("chatstore.migrations.0004_search").INDEXES
OLD = {"ChatSession": OLD_INDEXES["ChatSession"][0], "ChatMessage": OLD_INDEXES["ChatMessage"][0]}
NEW = {
    "ChatSession": GinIndex(vector("title"), name="chat_sessions_title_words"),
    "ChatMessage": GinIndex(vector("content"), name="chat_messages_text_words"),
}


def exchange(apps, schema_editor, old, new):
    if schema_editor.connection.vendor != "postgresql":
        return
    for name, index in new.items():
        model = apps.get_model("chatstore", name)
        schema_editor.execute(
            f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(index.name)}"
        )
        schema_editor.add_index(model, index, concurrently=True)
        schema_editor.execute(
            f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(old[name].name)}"
        )


def forwards(apps, schema_editor):
    exchange(apps, schema_editor, OLD, NEW)


def backwards(apps, schema_editor):
    exchange(apps, schema_editor, NEW, OLD)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("chatstore", "0010_model_turns"),
    ]

    operations = [
        migrations.RunPython(forwards, backwards),
    ]

"""
On PostgreSQL, what makes adding an item and finding a thread take less of the server's time.

The full-text indexes take the place of those of migration 0011: a text without characters of
scripts without spaces is not searched for them five times. They are built concurrently, so that
chats can go on; a failed build leaves an invalid index, which the next migrate drops.

PostgreSQL is told that an owner has at least a hundred rows in each table. It plans for the average
owner, and where most have one row, all of an owner's rows look as cheap to it as the one with a
given primary key: of an owner with many it then read them all to find a thread. Not where the
tables are distributed: there the owner is part of the primary key.
"""

import importlib

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import migrations
from django.db.models import Case, Func, TextField, Value, When
from django.db.models.functions import Left
from django.db.models.lookups import Regex

from chatstore.conf import settings

# Copied from chatstore.text_search.words, as a migration must not change.
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
    return Case(
        When(Regex(text, LETTER), SearchVector(spaced, *pairs, config="simple")),
        default=SearchVector(text, config="simple"),
    )


OLD = importlib.import_module("chatstore.migrations.0011_search_words").NEW
NEW = {
    "ChatSession": GinIndex(vector("title"), name="chat_sessions_title_terms"),
    "ChatMessage": GinIndex(vector("content"), name="chat_messages_text_terms"),
}
OWNED = ["ChatSession", "ChatMessage", "ChatAttachment", "ChatModelTurn", "ChatReport"]
FEWEST_EXPECTED = "n_distinct = -0.01"  # a hundredth of the rows are different owners


def exchange_indexes(apps, schema_editor, old, new):
    for name, index in new.items():
        model = apps.get_model("chatstore", name)
        schema_editor.execute(
            f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(index.name)}"
        )
        schema_editor.add_index(model, index, concurrently=True)
        schema_editor.execute(
            f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(old[name].name)}"
        )


def change_expectation(apps, schema_editor, change):
    """Change what ANALYZE stores, and let it do so."""
    for name in OWNED:
        table = schema_editor.quote_name(apps.get_model("chatstore", name)._meta.db_table)
        if not settings.sharded:
            schema_editor.execute(f"ALTER TABLE {table} ALTER COLUMN user_id {change}")
        schema_editor.execute(f"ANALYZE {table}")


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        exchange_indexes(apps, schema_editor, OLD, NEW)
        change_expectation(apps, schema_editor, f"SET ({FEWEST_EXPECTED})")


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        exchange_indexes(apps, schema_editor, NEW, OLD)
        change_expectation(apps, schema_editor, "RESET (n_distinct)")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("chatstore", "0016_recent_and_comments"),
    ]

    operations = [
        migrations.RunPython(forwards, backwards),
    ]

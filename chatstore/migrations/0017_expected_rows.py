"""
Let PostgreSQL expect a hundred rows or more of each owner in each table.

It plans for the average owner. Where most owners have one row, as on a site with many visitors, all
rows of an owner look as cheap to it as the one with a given primary key; so to find one thread of an
owner with thousands it read all of these from an index. Of distributed tables the owner is part
of the primary key, so nothing is changed there.

It waits for nothing that chats do, and reads a sample of each table.
"""

from django.db import migrations

from chatstore.conf import settings

OWNED = ["ChatSession", "ChatMessage", "ChatAttachment", "ChatModelTurn", "ChatReport"]
EXPECTED = "n_distinct = -0.01"  # of a hundred rows one has another owner


def change(apps, schema_editor, option):
    if schema_editor.connection.vendor == "postgresql" and not settings.sharded:
        for name in OWNED:
            table = schema_editor.quote_name(apps.get_model("chatstore", name)._meta.db_table)
            schema_editor.execute(f"ALTER TABLE {table} ALTER COLUMN user_id {option}")
            schema_editor.execute(f"ANALYZE {table}")  # from then on it holds


def forwards(apps, schema_editor):
    change(apps, schema_editor, f"SET ({EXPECTED})")


def backwards(apps, schema_editor):
    change(apps, schema_editor, "RESET (n_distinct)")


class Migration(migrations.Migration):
    atomic = False  # each table by itself, so that none is locked while another is read

    dependencies = [
        ("chatstore", "0016_recent_and_comments"),
    ]

    operations = [
        migrations.RunPython(forwards, backwards),
    ]

"""
What an owner does with threads: pins, archives and shares them; and temporary threads.

The index of a user's list is replaced by one that knows what is archived. While that is built, which
takes some seconds for a million threads, requests for threads wait.
"""

from django.db import migrations, models

import chatstore.models.base


class Migration(migrations.Migration):
    dependencies = [
        ("chatstore", "0011_search_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="chatsession",
            name="archived_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="archived at"),
        ),
        migrations.AddField(
            model_name="chatsession",
            name="listing",
            field=models.CharField(
                blank=True,
                choices=[("", "Listed"), ("archived", "Archived"), ("temporary", "Temporary")],
                db_default="",
                default="",
                help_text="Whether it is in its owner's list; a temporary thread is in none.",
                max_length=16,
                verbose_name="listing",
            ),
        ),
        migrations.AddField(
            model_name="chatsession",
            name="pinned_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="pinned at"),
        ),
        migrations.AddField(
            model_name="chatsession",
            name="share_hash",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=64,
                verbose_name="hash of the link",
            ),
        ),
        migrations.AddField(
            model_name="chatsession",
            name="shared_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="shared at"),
        ),
        migrations.AddField(
            model_name="chatsession",
            name="shared_until",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="The position of the last item that the link shows.",
                null=True,
                verbose_name="shared until",
            ),
        ),
        migrations.AlterField(
            model_name="moderationrecord",
            name="action",
            field=models.CharField(
                choices=[
                    ("read", "Read"),
                    ("search", "Searched in messages"),
                    ("export", "Exported"),
                    ("lock", "Locked"),
                    ("close", "Closed"),
                    ("reopen", "Reopened"),
                    ("hold", "Put on hold"),
                    ("release", "Released from hold"),
                    ("hide", "Hid a message"),
                    ("show", "Showed a message again"),
                    ("redact", "Redacted a message"),
                    ("delete", "Deleted"),
                    ("unshare", "Ended the link"),
                ],
                max_length=16,
                verbose_name="what",
            ),
        ),
        migrations.AddIndex(
            model_name="chatsession",
            index=models.Index(
                fields=["user_id", "listing", "created_at", "thread_id"],
                name="chat_sessions_listed",
            ),
        ),
        migrations.AddIndex(
            model_name="chatsession",
            index=chatstore.models.base.PartialIndex(
                fields=["user_id", "pinned_at"],
                name="chat_sessions_pinned",
                where=models.Q(("pinned_at__isnull", False)),
            ),
        ),
        migrations.AddIndex(
            model_name="chatsession",
            index=chatstore.models.base.PartialIndex(
                fields=["listing", "updated_at", "session_id"],
                name="chat_sessions_temporary",
                where=models.Q(("listing", "temporary")),
            ),
        ),
        migrations.RemoveIndex(model_name="chatsession", name="chat_sessions_of_user"),
    ]

"""
A user's list by last activity, and comments on answers.

While the index is built, which takes some seconds for a million threads, requests for threads wait.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chatstore", "0015_running_answers"),
    ]

    operations = [
        migrations.AddField(
            model_name="chatmessage",
            name="feedback_comment",
            field=models.TextField(
                blank=True,
                help_text="What the user has written with a thumb down.",
                null=True,
                verbose_name="comment",
            ),
        ),
        migrations.AddIndex(
            model_name="chatsession",
            index=models.Index(
                fields=["user_id", "listing", "updated_at", "session_id"],
                name="chat_sessions_recent",
            ),
        ),
    ]

from django.db import migrations, models

import chatstore.models.base


class Migration(migrations.Migration):
    dependencies = [
        ("chatstore", "0008_session_retry_id"),
    ]

    operations = [
        migrations.AddField(
            model_name="moderationrecord",
            name="found",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="How many messages a search has shown; empty for other records.",
                null=True,
                verbose_name="found",
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
                ],
                max_length=16,
                verbose_name="what",
            ),
        ),
        migrations.AlterField(
            model_name="moderationrecord",
            name="thread_id",
            field=chatstore.models.base.IdentifierField(
                blank=True, max_length=255, verbose_name="thread id"
            ),
        ),
        migrations.AlterField(
            model_name="moderationrecord",
            name="user_id",
            field=chatstore.models.base.IdentifierField(
                blank=True, max_length=255, verbose_name="owner"
            ),
        ),
    ]

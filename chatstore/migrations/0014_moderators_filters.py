from django.db import migrations, models

import chatstore.models.base


class Migration(migrations.Migration):
    dependencies = [
        ("chatstore", "0013_moderation_work"),
    ]

    operations = [
        migrations.AlterField(
            model_name="moderationrecord",
            name="found",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Messages that a search has shown, or rows of an exported list; else empty.",
                null=True,
                verbose_name="found",
            ),
        ),
        migrations.AddIndex(
            model_name="chatsession",
            index=chatstore.models.base.PartialIndex(
                fields=["assignee"],
                name="chat_sessions_assigned",
                where=models.Q(("assignee__gt", "")),
            ),
        ),
        migrations.AddIndex(
            model_name="chatsession",
            index=chatstore.models.base.PartialIndex(
                fields=["labels"], name="chat_sessions_labelled", where=models.Q(("labels__gt", ""))
            ),
        ),
    ]

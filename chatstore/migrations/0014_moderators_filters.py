from django.db import migrations, models

import chatstore.models.base


class Migration(migrations.Migration):
    dependencies = [
        ("chatstore", "0013_moderation_work"),
    ]

    operations = [
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

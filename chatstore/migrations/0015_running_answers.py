from django.db import migrations, models

import chatstore.models.base


class Migration(migrations.Migration):
    dependencies = [
        ("chatstore", "0014_moderators_filters"),
    ]

    operations = [
        migrations.AddField(
            model_name="chatsession",
            name="answering_until",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text=(
                    "Until when it counts as being answered; moved on while an answer runs (S22)."
                ),
                null=True,
                verbose_name="answering until",
            ),
        ),
        migrations.AddField(
            model_name="chatsession",
            name="stop_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text=(
                    "Of the newest request to stop: answers that have begun before it end (S22)."
                ),
                max_length=32,
                verbose_name="stop",
            ),
        ),
        migrations.AddIndex(
            model_name="chatsession",
            index=chatstore.models.base.PartialIndex(
                fields=["user_id", "answering_until"],
                name="chat_sessions_answering",
                where=models.Q(("answering_until__isnull", False)),
            ),
        ),
    ]

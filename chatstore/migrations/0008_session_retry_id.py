from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chatstore", "0007_items_deleted_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="chatsession",
            name="retry_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Of the newest retry: a turn that it replaces stores nothing more (S20).",
                max_length=32,
                verbose_name="retry",
            ),
        ),
    ]

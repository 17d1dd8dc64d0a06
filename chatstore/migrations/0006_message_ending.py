from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chatstore", "0005_scheduled_removals"),
    ]

    operations = [
        migrations.AddField(
            model_name="chatmessage",
            name="ending",
            field=models.CharField(
                blank=True,
                choices=[("", "Complete"), ("stopped", "Stopped"), ("failed", "Broken off")],
                db_default="",
                default="",
                help_text="How an answer ended: its user stopped it, or a fault broke it off.",
                max_length=16,
                verbose_name="ending",
            ),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chatstore", "0004_search"),
    ]

    operations = [
        migrations.RenameField("chatfiletoremove", "noted_at", "scheduled_at"),
        migrations.AlterField(
            model_name="chatfiletoremove",
            name="scheduled_at",
            field=models.DateTimeField(verbose_name="scheduled at"),
        ),
    ]

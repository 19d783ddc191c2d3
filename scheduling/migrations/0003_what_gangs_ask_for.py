from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scheduling", "0002_shares_of_queues"),
    ]

    operations = [
        migrations.AddField(
            model_name="gangstate",
            name="asked",
            field=models.JSONField(
                default=list, help_text="of each kind of pod: how many, and what one asks for"
            ),
        ),
    ]

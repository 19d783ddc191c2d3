from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organization", "0002_projects_within_department"),
    ]

    operations = [
        migrations.AlterField(
            model_name="nodepool",
            name="gpu_placement",
            field=models.CharField(
                choices=[
                    ("binpack", "Bin packing"),
                    ("spread", "Spread"),
                    ("fragmentation", "Fragmentation-aware"),
                ],
                default="binpack",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="nodepool",
            name="free_gpus",
            field=models.JSONField(
                default=dict,
                help_text="thousandths of GPUs that are free, and of them what requests of each size could use",
            ),
        ),
    ]

"""Small copies of what was placed, and room for the long keys of other people's models."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imagen", "0012_batches")]

    operations = [
        migrations.AddField(
            model_name="placement",
            name="renditions",
            field=models.JSONField(default=list, editable=False),
        ),
        migrations.AlterField(
            model_name="generation",
            name="place_id",
            field=models.CharField(blank=True, default="", max_length=255),
        ),
        migrations.AlterField(
            model_name="placement",
            name="object_id",
            field=models.CharField(max_length=255),
        ),
    ]

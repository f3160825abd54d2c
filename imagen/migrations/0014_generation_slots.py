"""Which further shapes a request's pictures are shown cut to."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imagen", "0013_renditions_and_long_keys")]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="slots",
            field=models.JSONField(default=list),
        ),
    ]

"""What was answered before a picture was placed: whether a reader could take it for real."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imagen", "0014_generation_slots")]

    operations = [
        migrations.AddField(
            model_name="placement",
            name="disclosure",
            field=models.CharField(
                blank=True,
                choices=[("yes", "Yes"), ("no", "No"), ("illustration", "It is plainly an illustration")],
                default="",
                max_length=12,
                verbose_name="could be taken for real",
            ),
        ),
        migrations.AddField(
            model_name="placement",
            name="reason",
            field=models.CharField(blank=True, default="", max_length=200, verbose_name="why not"),
        ),
        migrations.AddField(
            model_name="placement",
            name="question",
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
    ]

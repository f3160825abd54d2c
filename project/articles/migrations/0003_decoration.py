from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("articles", "0002_figures_and_placements"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="article",
            name="articles_hero_is_described",
        ),
        migrations.AddField(
            model_name="article",
            name="hero_decorates",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AlterField(
            model_name="figure",
            name="alt",
            field=models.CharField(blank=True, default="", max_length=300, verbose_name="alt text"),
        ),
        migrations.AddConstraint(
            model_name="article",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("hero", ""), models.Q(("hero_alt", ""), _negated=True), ("hero_decorates", True), _connector="OR"
                ),
                name="articles_hero_is_described",
                violation_error_message="A picture needs an alt text.",
            ),
        ),
    ]

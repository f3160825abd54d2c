import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


def note(apps, schema_editor):
    """What an article knew of its picture stands in imagen's own record from now on."""
    alias = schema_editor.connection.alias
    kinds = apps.get_model("contenttypes", "ContentType").objects.using(alias)
    kind, _created = kinds.get_or_create(app_label="articles", model="article")
    for article in apps.get_model("articles", "Article").objects.using(alias).filter(hero_generated=True):
        apps.get_model("imagen", "Placement").objects.using(alias).create(
            content_type=kind,
            object_id=str(article.pk),
            field="hero",
            image_id=article.hero_source_id,
            meaning="informative",
            alt_text=article.hero_alt,
            file_name=article.hero.name,
            placed_at=article.published_at,
        )


class Migration(migrations.Migration):
    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("imagen", "0008_studio"),
        ("articles", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(note, migrations.RunPython.noop),
        migrations.RemoveField(model_name="article", name="hero_generated"),
        migrations.RemoveField(model_name="article", name="hero_source"),
        migrations.CreateModel(
            name="Figure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "picture",
                    models.ImageField(
                        height_field="height",
                        upload_to="articles/%Y/%m/",
                        validators=[django.core.validators.FileExtensionValidator(("png", "jpg", "jpeg", "webp"))],
                        verbose_name="picture",
                        width_field="width",
                    ),
                ),
                ("width", models.PositiveIntegerField(editable=False, null=True)),
                ("height", models.PositiveIntegerField(editable=False, null=True)),
                ("alt", models.CharField(max_length=300, verbose_name="alt text")),
                ("caption", models.CharField(blank=True, default="", max_length=200, verbose_name="caption")),
                (
                    "article",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="figures", to="articles.article"
                    ),
                ),
            ],
            options={"verbose_name": "figure", "verbose_name_plural": "figures", "ordering": ("pk",)},
        ),
    ]

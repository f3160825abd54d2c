"""The rule every house begins with; and the Studio comes first in the admin's list, which is in the order of names."""

from typing import Any

from django.db import migrations


def begin(apps: Any, schema_editor: Any) -> None:
    """No text in the picture: models write it badly, and no screen reader reads it."""
    apps.get_model("imagen", "HouseRule").objects.using(schema_editor.connection.alias).get_or_create(
        name="No text in the picture", defaults={"words": "No text, no lettering and no logos in the picture."}
    )


class Migration(migrations.Migration):
    dependencies = [("imagen", "0008_studio")]

    operations = [
        migrations.AlterModelOptions(
            name="studio",
            options={"default_permissions": (), "verbose_name": "Studio", "verbose_name_plural": " Studio"},
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]

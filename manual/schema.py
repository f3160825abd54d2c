"""The OpenAPI document as YAML."""

from __future__ import annotations

from typing import Any

import yaml

from imagen.api import schema
from imagen.api.urls import documented

HEAD = "# Written by `make schema`; a running site serves the same at /api/imagen/v1/schema/.\n"


def document() -> dict[str, Any]:
    """The document as the code describes it now."""
    return schema.document(documented)


class _Plain(yaml.SafeDumper):
    """Writes everything in full: an example is read where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        """No anchors."""
        return True


def text() -> str:
    """The document as a person may read it, in the order it was written."""
    return HEAD + yaml.dump(document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)

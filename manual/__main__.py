"""Writes the schema and the pages made from it: ``python -m manual``; with ``--check`` it only says which are old."""

from __future__ import annotations

import os
import sys

import django


def main(arguments: list[str]) -> int:
    """Write what differs and name it; 1 when something did and nothing may be written."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from manual.pages import PAGES  # noqa: PLC0415  # settings are not ready before

    old = [page for page in PAGES if not page.current]
    for page in old:
        print(page.path.name)
        if "--check" not in arguments:
            page.path.write_text(page.text)
    return int(bool(old) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

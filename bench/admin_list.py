"""How long the admin's lists take with a thousand and with a million rows.

``python manage.py shell --no-imports -c "from bench.admin_list import main; main()"`` prints the table. It works on a
test database beside the one ``DATABASE_URL`` names and drops it afterwards.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import setup_test_environment
from django.urls import reverse

from imagen.models import Generation, Image
from tests.factories import generation, image

GENERATIONS, IMAGES = (reverse(f"admin:imagen_{name}_changelist") for name in ("generation", "image"))
PAGES = {
    "generations": (GENERATIONS, {}),
    "generations, page 20": (GENERATIONS, {"p": "20"}),
    "generations, failed": (GENERATIONS, {"status": "failed"}),
    "generations, one model": (GENERATIONS, {"model": "imagen-4"}),
    "generations, past 7 days": (GENERATIONS, {"from": "2026-01-01"}),
    "generations, of one editor": (GENERATIONS, {"as": "editor"}),
    "pictures": (IMAGES, {}),
    "search, no hit (on demand)": (GENERATIONS, {"q": "zzz"}),
}
FEW, MANY, RUNS = 1_000, 1_000_000, 9
EARLIER = {
    "sqlite": ("lower(hex(randomblob(16)))", "strftime('%%Y-%%m-%%d %%H:%%M:%%f000', created_at, '-%d seconds')"),
    "postgresql": ("gen_random_uuid()", "created_at - interval '%d seconds'"),
}


def first(rows: int) -> None:
    """So many rows by hand, a tenth of them failed, half of them the editor's."""
    people = [User.objects.create_superuser("root"), User.objects.create_user("editor", is_staff=True)]
    for number in range(rows):
        generation(people[number % 2], prompt=f"number {number}", status="completed" if number % 10 else "failed")
    image(Generation.objects.first())


def double(table: str, *, seconds: int, **changed: str) -> None:
    """Every row once more, under a new id and earlier."""
    fresh, earlier = EARLIER[connection.vendor]
    expressions = {"id": fresh, "created_at": earlier % seconds, **changed}
    with connection.cursor() as cursor:
        names = [column.name for column in connection.introspection.get_table_description(cursor, table)]
        quoted = ", ".join(f'"{name}"' for name in names)
        values = ", ".join(expressions.get(name, f'"{name}"') for name in names)
        cursor.execute(f"INSERT INTO {table} ({quoted}) SELECT {values} FROM {table}")


def illustrate() -> None:
    """One picture for each request that has none, all of one file."""
    fresh, _earlier = EARLIER[connection.vendor]
    with connection.cursor() as cursor:
        names = [column.name for column in connection.introspection.get_table_description(cursor, "imagen_image")]
        values = {"id": fresh, "generation_id": "g.id", "created_at": "g.created_at"}
        chosen = ", ".join(values.get(name, f'i."{name}"') for name in names)
        quoted = ", ".join(f'"{name}"' for name in names)
        cursor.execute(
            f"INSERT INTO imagen_image ({quoted}) SELECT {chosen} FROM imagen_generation g "
            "CROSS JOIN (SELECT * FROM imagen_image LIMIT 1) i "
            "WHERE NOT EXISTS (SELECT 1 FROM imagen_image x WHERE x.generation_id = g.id)"
        )
        cursor.execute("ANALYZE")


def median(get: Callable[[], Any]) -> float:
    """Milliseconds of the middle run."""
    taken = []
    for _run in range(RUNS):
        start = time.perf_counter()
        assert get().status_code == 200
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def measure() -> dict[str, float]:
    """Every page once warm, then timed."""
    clients = {}
    for name in ("root", "editor"):
        clients[name] = Client()
        clients[name].force_login(User.objects.get(username=name))
    found = {}
    for label, (address, query) in PAGES.items():
        client, wanted = clients[query.get("as", "root")], {key: value for key, value in query.items() if key != "as"}
        client.get(address, wanted)
        found[label] = median(lambda client=client, address=address, wanted=wanted: client.get(address, wanted))
    return found


def main() -> None:
    """Print the table."""
    setup_test_environment()
    before = connection.creation.create_test_db(verbosity=0)
    try:
        User.objects.all().delete()
        first(FEW)
        User.objects.get(username="editor").user_permissions.set(_looking())
        illustrate()
        few = measure()
        rows = FEW
        while rows < MANY:
            double("imagen_generation", seconds=rows * 60)
            rows *= 2
        illustrate()
        many = measure()
        print(f"{connection.vendor}: {FEW:,} and {rows:,} requests, {Image.objects.count():,} pictures")
        for label in PAGES:
            print(f"{label:<28} {few[label]:8.1f} ms {many[label]:8.1f} ms   x{many[label] / few[label]:.2f}")
    finally:
        connection.creation.destroy_test_db(str(before), verbosity=0)


def _looking() -> Any:
    """What lets an editor look at their own."""
    seen = Permission.objects.filter(content_type__app_label="imagen", codename__startswith="view_")
    return seen.exclude(codename="view_all")

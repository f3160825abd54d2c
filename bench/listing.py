"""How pages age: the first page and the admin's list with a thousand rows, and with a million.

``python -m bench.listing`` answers ``["fill", rows]`` and ``["look", turns]`` line by line.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from typing import Any

import django

from bench.processes import answer
from bench.site import site

PAGES = {"page": "/api/imagen/v1/generations/", "admin": "/admin/imagen/generation/"}
# One request, its call and its picture for every number from 1 to %(rows)s; ids are scattered as real ones are.
_NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %(rows)s)",
    "postgresql": "WITH numbers AS (SELECT generate_series(1, %(rows)s) AS n)",
}
_ID = {
    "sqlite": "lower(hex(randomblob(16)))",
    "postgresql": "gen_random_uuid()",
}
_AT = {
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '-' || (n * 20) || ' seconds')",
    "postgresql": "now() - n * interval '20 seconds'",
}
_GENERATIONS = """INSERT INTO imagen_generation (id, user_id, prompt, negative_prompt, model, provider, provider_named,
    aspect_ratio, resolution, num_images, output_format, metadata, status, error_code, error_note, warnings,
    cost_unit, version, created_at, completed_at)
{numbers} SELECT {id}, %(user)s, 'a lighthouse, number ' || n, '', 'imagen-4', 'wavespeed', {false}, '1:1', '1k', 1, '',
    '{{}}', CASE n %% 10 WHEN 0 THEN 'failed' ELSE 'completed' END, '', '', '[]', 'USD', 3, {at}, {at} FROM numbers"""
_JOBS = """INSERT INTO imagen_job (id, generation_id, provider, provider_model, slots, status, remote_id, holder,
    fence, tries, error_code, error_note, cost_unit, terms, created_at)
SELECT {id}, id, provider, 'google/imagen4', '[0]', status, '', '', 1, 0, '', '', 'USD', '{{}}', created_at
    FROM imagen_generation"""
_IMAGES = """INSERT INTO imagen_image (id, generation_id, job_id, "index", file, thumbnail, width, height, format,
    bytes, sha256, alt_text, title, review, provider_model, created_at)
SELECT {id}, generation_id, id, 0, 'imagen/a.png', 'imagen/a.webp', 1024, 1024, 'png', 1000000, '', '', '', 'none',
    provider_model, created_at FROM imagen_job"""


def ages(stack: str, *, rows: int) -> Mapping[str, tuple[float, float]]:
    """Median milliseconds of each page, with a thousand rows and with so many."""
    with site(stack) as small, site(stack) as large:
        short, long = (place.start("-m", "bench.listing") for place in (small, large))
        short.ask(["fill", 1000])
        long.ask(["fill", rows])
        turns = [(short.ask(["look", 20]), long.ask(["look", 20])) for _ in range(5)][1:]
    return {name: tuple(statistics.median(turn[side][name] for turn in turns) for side in (0, 1)) for name in PAGES}


def work(asked: Any) -> Any:
    """Fill the tables, or look at the pages."""
    kind, number = asked
    return fill(number) if kind == "fill" else look(number)


def fill(rows: int) -> None:
    """So many requests of one person, each with a call and a picture."""
    from django.contrib.auth.models import User  # noqa: PLC0415  # Django is not ready before
    from django.db import connection  # noqa: PLC0415

    user = User.objects.create_superuser("bench")
    kind = connection.vendor
    words = {"numbers": _NUMBERS[kind], "id": _ID[kind], "at": _AT[kind], "false": "false" if kind != "sqlite" else "0"}
    with connection.cursor() as cursor:
        for statement in (_GENERATIONS, _JOBS, _IMAGES):
            cursor.execute(statement.format(**words) % {"rows": rows, "user": user.pk})
        cursor.execute("ANALYZE")


def look(turns: int) -> dict[str, float]:
    """Median milliseconds of each page."""
    from django.contrib.auth.models import User  # noqa: PLC0415  # Django is not ready before
    from django.test import Client  # noqa: PLC0415

    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(username="bench"))
    return {name: statistics.median(_time(client, url) for _ in range(turns)) for name, url in PAGES.items()}


def _time(client: Any, url: str) -> float:
    start = time.perf_counter()
    status = client.get(url, secure=True).status_code
    if status != 200:
        raise RuntimeError(f"{url} answered {status}")
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    django.setup()
    answer(work)

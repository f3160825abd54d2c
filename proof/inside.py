"""What a proof does inside the site: ``python -m proof.inside`` answers each line of JSON with one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import django

from bench.processes import answer

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

from django.conf import settings  # noqa: E402  # Django is not ready before
from django.core.management import get_commands  # noqa: E402
from django.db.models import Q  # noqa: E402

from imagen import files, pipeline, queue  # noqa: E402
from imagen.models import Event, Image, Job, Worker, database_now  # noqa: E402
from imagen.models.image import storage  # noqa: E402
from imagen.states import FINAL, JobStatus  # noqa: E402
from imagen.testing import invariants  # noqa: E402


def ask(first: int, count: int, providers: list[str]) -> None:
    """Ask for so many pictures, of each provider in turn; every prompt is another."""
    for number in range(first, first + count):
        pipeline.request(prompt=f"picture {number:05}", provider=providers[number % len(providers)])


def calls() -> list[dict[str, Any]]:
    """Every call of the site, and whether it was ever in doubt."""
    doubted = set(Event.objects.filter(what=JobStatus.UNCONFIRMED).values_list("job", flat=True))
    found = Job.objects.values("pk", "generation__prompt", "provider", "status", "generation__status")
    return [
        {
            "prompt": call["generation__prompt"],
            "provider": call["provider"],
            "status": call["status"],
            "generation": call["generation__status"],
            "doubted": call["pk"] in doubted,
        }
        for call in found
    ]


def left() -> int:
    """How many calls somebody still has to look at, those in doubt aside that were just looked for."""
    open_ones = Job.objects.exclude(status__in=FINAL)
    doubtful = Q(status=JobStatus.UNCONFIRMED)
    return open_ones.filter(~doubtful | Q(due_at__lte=database_now()) | ~Q(holder="")).count()


def hurry() -> int:
    """Let the time until the next look-up of what is in doubt pass at once; how many there are."""
    return Job.objects.filter(status=JobStatus.UNCONFIRMED).update(due_at=database_now())


def knock(times: int = 1) -> None:
    """Ring the bell so many times."""
    for _ in range(times):
        queue.knock()


def wipe() -> None:
    """Lose every bell that nobody has heard yet."""
    if not settings.REDIS_URL:
        from django_q.models import OrmQ  # noqa: PLC0415

        OrmQ.objects.all().delete()
        return
    import redis  # noqa: PLC0415

    with redis.Redis.from_url(settings.REDIS_URL) as server:
        if found := server.keys("django_q:*"):
            server.delete(*found)


def prune() -> None:
    """Delete what belongs to nobody, without a grace."""
    if "imagen_prune" in get_commands():
        from django.core.management import call_command  # noqa: PLC0415

        call_command("imagen_prune", grace=0, verbosity=0)
    else:
        files._STALE_SECONDS = 0
        files.clear()


def stored() -> dict[str, list[str]]:
    """The files there are that no picture owns, the unfinished ones, and those that a picture lacks."""
    owned = {name for image in Image.objects.all() for name in image.files}
    found = set(invariants._files(files.PREFIX))
    unfinished = [path.name for path in files.workspace().iterdir()]
    missing = [name for name in owned if not storage().exists(name)]
    return {"orphans": sorted(found - owned), "unfinished": unfinished, "missing": missing}


def wrong() -> list[str]:
    """What the checker of the test suite finds."""
    return list(invariants.violations())


def engines() -> list[int]:
    """The process ids of the engines that have work in their hands, busiest first."""
    busy = Worker.objects.filter(in_flight__gt=0).order_by("-beat_at").values_list("name", flat=True)
    return [int(name.rpartition(":")[2]) for name in busy]


def rows() -> list[list[Any]]:
    """Everything that a worker writes to a call, to compare before and after."""
    facts = ("pk", "status", "fence", "holder", "remote_id", "tries", "error_code")
    found = Job.objects.order_by("pk").values_list(*facts)
    return [[str(fact) for fact in row] for row in found] + [[Event.objects.count(), Image.objects.count()]]


ACTS: Mapping[str, Callable[..., Any]] = {
    act.__name__: act for act in (ask, calls, left, hurry, knock, wipe, prune, stored, wrong, engines, rows)
}


def act(asked: dict[str, Any]) -> Any:
    """Do one of these."""
    return ACTS[asked.pop("do")](**asked)


if __name__ == "__main__":
    answer(act)

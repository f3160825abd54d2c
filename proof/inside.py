"""What a proof does inside the site: ``python -m proof.inside`` answers each line of JSON with one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from decimal import Decimal
from typing import Any

import django

from bench.processes import answer

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

from django.conf import settings  # noqa: E402  # Django is not ready before
from django.contrib.auth.models import User  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Q, Sum  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402

from imagen import files, pipeline, queue, webhooks  # noqa: E402
from imagen.exceptions import Conflict  # noqa: E402
from imagen.models import (  # noqa: E402
    Budget,
    Delivery,
    Endpoint,
    Event,
    Generation,
    Image,
    Job,
    Purse,
    Scope,
    database_now,
)  # fmt: skip
from imagen.models.image import storage  # noqa: E402
from imagen.models.webhook import HAPPENINGS  # noqa: E402
from imagen.states import FINAL, WORKING, JobStatus, Status  # noqa: E402
from imagen.testing import invariants, surroundings  # noqa: E402


def ask(first: int, count: int, providers: list[str]) -> None:
    """Ask for so many pictures, of each provider in turn; every prompt is another."""
    for number in range(first, first + count):
        pipeline.request(prompt=f"picture {number:05}", provider=providers[number % len(providers)])


def calls() -> list[dict[str, Any]]:
    """Every call of the site, and whether it was ever in doubt."""
    doubted = set(Event.objects.filter(what=JobStatus.UNCONFIRMED).values_list("job", flat=True))
    found = Job.objects.values("pk", "generation", "generation__prompt", "provider", "status", "generation__status")
    return [
        {
            "of": str(call["generation"]),
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


def told() -> int:
    """How many steps all calls together have made."""
    return Event.objects.count()


def hurry() -> int:
    """Let the time until the next look-up of what is in doubt pass at once; how many there are."""
    return Job.objects.filter(status=JobStatus.UNCONFIRMED).update(due_at=database_now())


def hurry_storage() -> int:
    """Let the time until pictures that could not be stored are tried again pass at once; how many there are."""
    return Job.objects.filter(status=JobStatus.STORING, holder="").update(due_at=database_now())


def expire() -> None:
    """Let every lease run out at once."""
    Job.objects.exclude(holder="").update(due_at=database_now())


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


def stored() -> dict[str, list[str]]:
    """The files there are that no picture owns, the unfinished ones, and those that a picture lacks."""
    owned = {name for image in Image.objects.all() for name in image.files}
    found = set(surroundings.names(files.PREFIX))
    unfinished = [path.name for path in files.workspace().iterdir()]
    missing = [name for name in owned if not storage().exists(name)]
    return {"orphans": sorted(found - owned), "unfinished": unfinished, "missing": missing}


def wrong() -> list[str]:
    """What the checker of the test suite finds."""
    return list(invariants.violations())


def engines() -> list[int]:
    """The process ids of those that have calls in their hands."""
    holders = Job.objects.exclude(holder="").order_by().values_list("holder", flat=True).distinct()
    return [int(holder.split(":")[1]) for holder in holders]


def held() -> int:
    """How many calls a worker has in its hands, by their rows."""
    return Job.objects.exclude(holder="").count()


def strange(pid: int) -> int:
    """How many calls are under way in other hands than this process's, or in none."""
    underway = Job.objects.filter(status__in=WORKING)
    return underway.exclude(holder__contains=f":{pid}:").count()


def nobody_writes() -> bool:
    """Whether no transaction is open at this moment."""
    if connection.vendor == "sqlite":
        try:
            with closing(sqlite3.connect(settings.DATABASES["default"]["NAME"], timeout=0)) as other:
                other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND state IN ('active', 'idle in transaction')"
        )
        return not cursor.fetchone()[0]


def hands() -> list[list[str]]:
    """The calls that a worker has in its hands, with all that a worker writes to them, to compare before and after."""
    facts = ("pk", "status", "fence", "holder", "remote_id", "tries", "error_code", "due_at")
    found = Job.objects.exclude(holder="").order_by("pk").values_list(*facts)
    return [[str(fact) for fact in row] for row in found]


def person(limit: str) -> str:
    """Somebody with a monthly limit of their own; their token."""
    user = User.objects.create_user(f"buyer {User.objects.count()}", is_superuser=True)
    Budget.objects.create(scope=Scope.PERSON, user=user, limit=Decimal(limit))
    return str(Token.objects.create(user=user).key)


def overdrawn() -> int:
    """How many purses hold more than their budget allows, at this moment."""
    return sum(purse.spent + purse.reserved > purse.budget.limit for purse in Purse.objects.select_related("budget"))


def money() -> dict[str, Any]:
    """What each purse says was spent, what is still set aside, and what does not add up."""
    reserved = Purse.objects.aggregate(total=Sum("reserved"))["total"]
    spent = [str(purse.spent.normalize()) for purse in Purse.objects.order_by("pk")]
    return {"spent": spent, "reserved": str(reserved), "wrong": wrong()}


def listen(urls: list[str]) -> str:
    """Have somebody be told at these addresses of everything that happens to theirs; the secret of the first."""
    person = User.objects.get(username="ann")
    secret, *_ = [webhooks.register(person, url=url)[1] for url in urls]
    return secret


def listening() -> int:
    """How many addresses have answered their ping."""
    return Endpoint.objects.active().count()


def happen(first: int, count: int, providers: list[str]) -> None:
    """Have things happen to so many requests of that person: one of ten is made, the others are cancelled."""
    person = User.objects.get(username="ann")
    for number in range(first, first + count):
        provider = providers[number // 10 % len(providers)]
        asked = pipeline.request(prompt=f"picture {number:05}", provider=provider, user=person)
        if number % 10:
            with suppress(Conflict):  # a worker was quicker
                pipeline.cancel(asked)


def unsent() -> int:
    """How many messages are not over."""
    return Delivery.objects.under_way().count()


def mail() -> dict[str, Any]:
    """What has to have been told, and what the rows say of the messages and of the second address."""
    first, second = Endpoint.objects.order_by("created_at")
    asked = Generation.objects.exclude(user=None).filter(status__in=HAPPENINGS)
    events = [[str(HAPPENINGS[Status(status)]), str(pk)] for pk, status in asked.values_list("pk", "status")]
    gone = f"{second.state} {second.reason}"
    return {"events": events, "undelivered": first.deliveries.exclude(status="delivered").count(), "gone": gone}


_WORK = (ask, person, knock, hurry, hurry_storage, expire, wipe)
_LOOKS = (calls, left, told, stored, wrong, overdrawn, money, engines, held, strange, nobody_writes, hands)
_POST = (listen, happen, listening, mail, unsent)
ACTS: Mapping[str, Callable[..., Any]] = {act.__name__: act for act in (*_WORK, *_LOOKS, *_POST)}


def act(asked: dict[str, Any]) -> Any:
    """Do one of these."""
    return ACTS[asked.pop("do")](**asked)


if __name__ == "__main__":
    answer(act)

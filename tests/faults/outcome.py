"""What a fault leaves behind wherever somebody looks: rows, the interface's answer, money, the gateway, storage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from imagen import messages, presentation, spending
from imagen.conf import settings
from imagen.models import Anomaly, Generation, Image
from imagen.models.image import storage
from imagen.testing.gateway import Gateway

VENDORS = ("wavespeed", "apiframe", "apiin")
LABELS = {"wavespeed": "WaveSpeedAI", "apiframe": "Apiframe", "apiin": "API in One"}
PRICES = {"wavespeed": Decimal("0.0380"), "apiframe": Decimal(7), "apiin": Decimal(8)}
RETENTION = {"wavespeed": 7 * 86400, "apiframe": 86400, "apiin": 3600}
UNITS = {"wavespeed": "USD", "apiframe": "credits", "apiin": "credits"}
STAKES = {
    "wavespeed": PRICES["wavespeed"],
    "apiframe": Decimal("0.25"),
    "apiin": Decimal("0.25"),
}  # credits without a rate
_NEXT = {
    "edit_prompt": ("provider_rejected", "content_filtered"),
    "ask_administrator": ("provider_auth", "provider_insufficient_credits", "submit_unknown"),
    "wait, choose_provider": ("provider_rate_limited", "provider_unavailable"),
    "retry": (
        *("provider_failed", "no_outputs", "provider_job_lost", "provider_timeout", "partial_outputs"),
        *("output_expired", "output_invalid", "output_too_large", "egress_blocked"),
    ),
    "choose_model": ("model_retired",),
    "wait": ("internal_error",),
}
ACTIONS = {code: actions.split(", ") for actions, codes in _NEXT.items() for code in codes}
OVER = {"wait, choose_provider": "choose_provider, retry", "wait": "retry"}  # nobody waits for what has failed


def row(number: str, *values: Any, name: str) -> Any:
    """A line of a table of faults: the fault's number, what is played and how it ends."""
    return pytest.param(*values, marks=pytest.mark.fault(number), id=f"{number} {name}")


@dataclass(frozen=True, kw_only=True)
class End:
    """How a request ends: its status and code, its jobs, what it cost in pictures, what was accepted and stored.

    ``cost`` is ``None`` when nothing was accepted: then the money is free again, or set aside while nobody knows.
    ``paid`` counts the jobs that the gateway would bill.
    """

    status: str
    code: str = ""
    jobs: tuple[str, ...] = ("failed",)
    cost: int | None = None
    paid: int = 0
    images: int = 0
    warnings: tuple[str, ...] = ()

    def told(self, generation: Generation) -> dict[str, Any]:
        """The same as ``seen`` should find it."""
        return {
            "status": self.status,
            "error": self.error(generation),
            "warnings": sorted({"model_retired_upstream", *self.warnings}),
            "jobs": sorted(self.jobs),
            "money": self.money(generation),
            "paid": self.paid,
            "images": self.images,
            "strays": 0,
        }

    def money(self, generation: Generation) -> dict[str, Any]:
        """What it cost in the vendor's unit, and what of the site's money is set aside and spent for it."""
        price, stake = PRICES[generation.provider], STAKES[generation.provider]
        if self.cost is not None:
            return {"cost": price * self.cost, "reserved": Decimal(0), "spent": stake * self.cost}
        held = stake * generation.num_images if self.status in ("queued", "unconfirmed") else Decimal(0)
        return {"cost": None, "reserved": held, "spent": Decimal(0)}

    def error(self, generation: Generation) -> dict[str, Any] | None:
        """What the interface says of the code."""
        if not self.code:
            return None
        facts = {
            "id": generation.pk,
            "provider": LABELS[generation.provider],
            "ready": self.images,
            "asked": generation.num_images,
        }
        over = self.status == "failed"
        said = messages.sentence(self.code, over=over, **facts, successor="Nano Banana 2.1")
        assert "–" not in said, "a blank was left in the sentence"
        price = PRICES[generation.provider] * (self.cost or generation.num_images)
        price_told = spending.price(price, UNITS[generation.provider])
        free = self.free_again(generation)
        key = "spent" if free else self.about_money()
        money = f"{messages.money_line(key, price=price_told)} {free}".rstrip()
        return {"code": self.code, "message": f"{said} {money}", "next_actions": self.steps()}

    def steps(self) -> list[str]:
        """What can be done about it."""
        told = ", ".join(ACTIONS[self.code])
        return OVER.get(told, told).split(", ") if self.status == "failed" else ACTIONS[self.code]

    def free_again(self, generation: Generation) -> str:
        """What is said of asking for it once more, where nobody said that it will not come."""
        if self.status != "failed" or self.code not in ("provider_timeout", "provider_job_lost"):
            return ""
        call = generation.jobs.get()
        until = call.accepted_at + timedelta(seconds=settings.WATCH_SECONDS + RETENTION[generation.provider])
        asked = call.fetch_asked_at is not None or until < timezone.now()
        return "" if asked else messages.kept_line("untold", provider=LABELS[generation.provider], until=until)

    def about_money(self) -> str:
        """Which of the sentences about money belongs to it."""
        if self.status == "unconfirmed":
            return "reserved"
        if not self.cost:
            return "so_far" if self.status == "queued" else "no"
        if self.status == "processing":
            return "spent"
        return "came" if self.status == "partial" else "yes"


def seen(generation: Generation, gateway: Gateway) -> dict[str, Any]:
    """What is to be seen of a request now."""
    generation = Generation.objects.get(pk=generation.pk)
    shown = presentation.generation_json(generation)
    return {
        "status": shown["status"],
        "error": shown["error"],
        "warnings": sorted(warning["code"] for warning in shown["warnings"]),
        "jobs": sorted(generation.jobs.values_list("status", flat=True)),
        "money": money(generation),
        "paid": sum(job.prompt == generation.prompt for job in gateway.jobs),
        "images": len(shown["images"]),
        "strays": files("imagen") - 2 * Image.objects.count(),
    }


def check(asked: Iterable[Generation], gateway: Gateway, end: End | Mapping[str, End]) -> None:
    """Each of these stands as it should; where the vendors differ, ``end`` says so by their names."""
    for generation in asked:
        due = end if isinstance(end, End) else end[generation.provider]
        assert seen(generation, gateway) == due.told(generation)


def odd() -> list[tuple[str, str, int]]:
    """What people are shown as odd: the service, what it was, and how often; in order."""
    return sorted(Anomaly.objects.values_list("provider", "code", "times"))


def posts(gateway: Gateway, vendor: str) -> int:
    """How often this vendor was sent something that might be billed."""
    sent = (call.path for call in gateway.calls if call.method == "POST")
    return sum(path.startswith(gateway.wires[vendor].prefix) and "/predictions" not in path for path in sent)


def fetches(gateway: Gateway, vendor: str) -> int:
    """How often this vendor's pictures were asked for."""
    ids = [job.id for job in gateway.jobs if job.vendor == vendor]
    asked = (call.path for call in gateway.calls if call.path.startswith("/files/"))
    return sum(any(remote_id in path for remote_id in ids) for path in asked)


def polls(gateway: Gateway, vendor: str) -> int:
    """How often this vendor was asked how its jobs are doing."""
    return sum(job.polls for job in gateway.jobs if job.vendor == vendor)


def money(generation: Generation) -> dict[str, Any]:
    """What the request cost as the interface says it, and what the ledger set aside and spent for it."""
    cost = presentation.generation_json(generation)["cost"]["actual"]
    lines = generation.entries.values_list("reserved", "spent")
    reserved, spent = (sum(column, Decimal(0)) for column in zip(*lines, strict=True))
    return {"cost": None if cost is None else Decimal(cost), "reserved": reserved, "spent": spent}


def files(folder: str) -> int:
    """How many files there are in storage, unfinished ones too."""
    try:
        folders, names = storage().listdir(folder)
    except FileNotFoundError:
        return 0
    return len(names) + sum(files(f"{folder}/{inner}") for inner in folders)


def until(there: Callable[[], object], *, seconds: float = 10.0) -> None:
    """Wait until this is so."""
    end = time.monotonic() + seconds
    while not there() and time.monotonic() < end:
        time.sleep(0.02)
    assert there()


def again(generation: Any, gateway: Any, client: Any, *, path: str = "") -> int:
    """Ring once more as its vendor did, here or at another address, and return what the site says."""
    ring = next(ring for ring in gateway.rings if ring.vendor == generation.provider)
    where = path or urlsplit(ring.url).path
    return client.post(where, ring.body, "application/json", headers=dict(ring.headers)).status_code

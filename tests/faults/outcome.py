"""What a fault leaves behind in every place somebody looks: rows, the interface's answer, money, the gateway, storage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from imagen import messages, presentation
from imagen.models import Generation, Image
from imagen.models.image import storage
from imagen.testing.gateway import Gateway

VENDORS = ("wavespeed", "apiframe", "apiin")
LABELS = {"wavespeed": "WaveSpeedAI", "apiframe": "Apiframe", "apiin": "API in One"}
PRICES = {"wavespeed": Decimal("0.0380"), "apiframe": Decimal(7), "apiin": Decimal(8)}
ACTIONS = {
    **dict.fromkeys(("provider_rejected", "content_filtered"), ["edit_prompt"]),
    **dict.fromkeys(("provider_auth", "provider_insufficient_credits", "submit_unknown"), ["ask_administrator"]),
    **dict.fromkeys(("provider_rate_limited", "provider_unavailable"), ["wait", "choose_provider"]),
    **dict.fromkeys(("provider_failed", "no_outputs", "provider_job_lost", "provider_timeout"), ["retry"]),
    **dict.fromkeys(("output_expired", "output_invalid", "output_too_large", "egress_blocked"), ["retry"]),
    **dict.fromkeys(("partial_outputs",), ["retry"]),
    "model_retired": ["choose_model"],
    "internal_error": ["wait"],
}


def row(number: str, *values: Any, name: str) -> Any:
    """A line of a table of faults: the fault's number, what is played and how it ends."""
    return pytest.param(*values, marks=pytest.mark.fault(number), id=f"{number} {name}")


@dataclass(frozen=True, kw_only=True)
class End:
    """How a request ends: its status and code, its jobs, what it cost in pictures, what was accepted and stored.

    ``cost`` is ``None`` when nothing was accepted, ``paid`` counts the jobs that the gateway would bill.
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
        unit = PRICES[generation.provider]
        return {
            "status": self.status,
            "error": self.error(generation),
            "warnings": sorted({"model_retired_upstream", *self.warnings}),
            "jobs": sorted(self.jobs),
            "money": None if self.cost is None else unit * self.cost,
            "paid": self.paid,
            "images": self.images,
            "strays": 0,
        }

    def error(self, generation: Generation) -> dict[str, Any] | None:
        """What the interface says of the code."""
        if not self.code:
            return None
        facts = {"provider": LABELS[generation.provider], "ready": self.images, "asked": generation.num_images}
        said = messages.sentence(self.code, **facts, successor="Nano Banana 2.1")
        assert "–" not in said, "a blank was left in the sentence"
        return {"code": self.code, "message": said, "next_actions": ACTIONS[self.code]}


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


def money(generation: Generation) -> Decimal | None:
    """What the request cost, in the vendor's unit."""
    cost = presentation.generation_json(generation)["cost"]["actual"]
    return None if cost is None else Decimal(cost)


def files(folder: str) -> int:
    """How many files there are in storage, unfinished ones too."""
    try:
        folders, names = storage().listdir(folder)
    except FileNotFoundError:
        return 0
    return len(names) + sum(files(f"{folder}/{inner}") for inner in folders)

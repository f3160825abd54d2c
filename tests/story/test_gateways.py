"""Every gateway through REST, a real cluster, real sockets and real storage: asked, and rung by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imagen.testing.gateway import Gateway
from proof.site import VENDORS, Place, build
from tests.story.conftest import opened

pytestmark = [pytest.mark.story, pytest.mark.timeout(240)]

UNITS = {"wavespeed": ("USD", "0.0760"), "apiframe": ("credits", "14.0000"), "apiin": ("credits", "16.0000")}


@pytest.fixture(params=[False, True], ids=["asked", "rung"])
def rings(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def everywhere(stack: dict[str, str], rings: bool, tmp_path: Path, gateway: Gateway) -> Iterator[Place]:
    """The site with all three gateways and a cluster."""
    site = build(tmp_path, gateway, vendors=VENDORS, rings=rings, **stack)
    site.cluster()
    yield from opened(site)


def test_each_gateway_makes_pictures_fails_once_and_makes_what_is_missing(
    everywhere: Place, gateway: Gateway, rings: bool
) -> None:
    gateway.script("forbidden", failure="Content is filtered due to unknown reasons")
    gateway.script("half", submit="status", status=400, message="bad luck", first=1)
    asked = [everywhere.ask("a lighthouse", provider=vendor, num_images=2) for vendor in VENDORS]
    asked += [everywhere.ask("something forbidden", provider=vendor) for vendor in VENDORS]
    asked += [everywhere.ask("half a lighthouse", provider="apiframe", num_images=4)]
    found = everywhere.settled(asked, seconds=60)
    for vendor, made, failed in zip(VENDORS, found[:3], found[3:6], strict=True):
        _is_complete(everywhere, made, vendor)
        assert (failed["status"], failed["error"]["code"]) == ("failed", "content_filtered"), vendor
        assert failed["cost"]["actual"] in ("0.0000", None), vendor
    _is_completed_by_a_retry(everywhere, found[6])
    jobs = [job.vendor for job in gateway.jobs]
    assert [jobs.count(vendor) for vendor in VENDORS] == [2, 7, 2]  # Apiframe: one call a picture
    assert {job.rung for job in gateway.jobs} == {"delivered" if rings else ""}


def _is_complete(place: Place, made: Any, vendor: str) -> None:
    unit, cost = UNITS[vendor]
    assert (made["status"], made["provider"], len(made["images"])) == ("completed", vendor, 2)
    assert made["cost"] == {"unit": unit, "estimated": cost, "actual": cost}
    for image in made["images"]:
        assert hashlib.sha256(place.call("GET", image["url"]).body).hexdigest() == image["sha256"]


def _is_completed_by_a_retry(place: Place, made: Any) -> None:
    """Four pictures are four calls that fail one by one; only what is missing is made, and paid, again."""
    assert (made["status"], len(made["images"]), made["cost"]["actual"]) == ("partial", 3, "21.0000")
    again = place.call("POST", f"/api/imagen/v1/generations/{made['id']}/retry/")
    assert again.status == 202, again.body
    made = place.settled([again.json], seconds=40)[0]
    assert (made["status"], len(made["images"]), made["cost"]["actual"]) == ("completed", 4, "28.0000")

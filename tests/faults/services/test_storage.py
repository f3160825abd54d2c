"""Storage is full, away or not to be trusted: the picture is paid for once, and kept as soon as that is possible."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest

from proof.proxy import Proxy
from proof.site import free_port
from tests.faults.services import lying
from tests.faults.services.conftest import POSTS, PRICE, Site, is_whole, money, plain, wait

pytestmark = [pytest.mark.story, pytest.mark.timeout(180)]
MEGABYTE = 1_000_000
STEPS = (60, 300, 900, 3600)


def is_waiting(site: Site, made: Any, code: str) -> None:
    """It is paid for, and waits for our storage; the person learns that."""
    told = site.place.look(made)
    assert (told["status"], told["error"]["code"], money(told)) == ("processing", code, (Decimal(PRICE),) * 2)
    assert told["error"]["next_actions"] == ["wait", "ask_administrator"]
    job = site.job(made)
    assert (job["status"], job["error_code"], job["holder"]) == ("storing", code, "")


def now(site: Site, made: Any) -> None:
    """The time until the next try has passed."""
    moment = "datetime('now')" if site.address.startswith("sqlite") else "now()"
    site.sql(f"UPDATE imagen_job SET due_at = {moment} WHERE generation_id = %s", made["id"])


def seconds_to_wait(site: Site, made: Any) -> float:
    """How long it will be left alone from now on."""
    due = "(julianday(due_at) - julianday('now')) * 86400"
    return float(site.sql(f"SELECT {due} FROM imagen_job WHERE generation_id = %s", made["id"])[0][0])


def unfinished(site: Site) -> list[Path]:
    """What is left of files nobody finished."""
    return [path for path in Path(site.place.env["MEDIA_ROOT"]).rglob("unfinished/*") if path.is_file()]


@pytest.mark.fault("F23")
def test_f23_a_worker_on_a_full_disk_keeps_the_picture_for_later(site: Site) -> None:
    site.gateway.darkroom.weight = 12 * MEGABYTE
    worker = site.worker()
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (10 * MEGABYTE, resource.RLIM_INFINITY))
    made = site.ask("f23")
    try:
        wait(lambda: site.job(made)["error_code"] == "storage_full")
    finally:
        site.gateway.darkroom.weight = 0
    is_waiting(site, made, "storage_full")
    assert unfinished(site) == []
    assert 40 < seconds_to_wait(site, made) <= 60
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    now(site, made)
    is_whole(site.end(made))
    assert site.bought("f23") == 1


@pytest.fixture(scope="module")
def _liar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Path]]:
    folder = tmp_path_factory.mktemp("liar")
    mood = folder / "mood"
    lying.be(mood)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(lying.MOOD, str(mood))
        with plain(folder, settings="tests.faults.services.lying_settings") as site:
            yield site, mood


@pytest.fixture
def liar(_liar: tuple[Site, Path]) -> Iterator[tuple[Site, Path]]:
    """A site whose storage does what a file says."""
    yield _liar
    lying.be(_liar[1])
    assert _liar[0].dry.inside("wrong") == []


@pytest.mark.parametrize(
    ("mood", "code"),
    [
        pytest.param("full", "storage_full", marks=pytest.mark.fault("F23")),
        pytest.param("failing", "storage_unavailable", marks=pytest.mark.fault("F24")),
        pytest.param("short", "storage_unavailable", marks=pytest.mark.fault("F25")),
        pytest.param("changed", "storage_unavailable", marks=pytest.mark.fault("F25")),
    ],
)
def test_what_storage_did_not_keep_is_stored_again_after_a_minute_then_five(
    liar: tuple[Site, Path], mood: str, code: str
) -> None:
    site, told = liar
    if not site.place.running[1:]:
        site.worker()
    lying.be(told, mood)
    made = site.ask(f"f25 {mood}")
    for step in STEPS[:2]:
        wait(lambda step=step: site.job(made)["error_code"] == code and seconds_to_wait(site, made) > step / 2)
        is_waiting(site, made, code)
        assert seconds_to_wait(site, made) <= step
        assert _files(site, made) == []
        now(site, made)
    lying.be(told)
    now(site, made)
    is_whole(site.end(made))
    assert len(_files(site, made)) == 2
    assert site.bought(f"f25 {mood}") == 1


def _files(site: Site, made: Any) -> list[Path]:
    """The files of this one request; each place has a folder named by its call."""
    (pk,) = site.sql("SELECT id FROM imagen_job WHERE generation_id = %s", made["id"])[0]
    folder = Path(site.place.env["MEDIA_ROOT"]) / "private/imagen" / str(uuid.uuid5(uuid.UUID(str(pk)), "0"))
    return list(folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize(
    ("mood", "code"),
    [
        pytest.param("full", "storage_full", marks=pytest.mark.fault("F23")),
        pytest.param("failing", "storage_unavailable", marks=pytest.mark.fault("F24")),
    ],
)
def test_what_could_not_be_stored_to_the_end_is_fetched_for_free_once_storage_works(
    liar: tuple[Site, Path], mood: str, code: str
) -> None:
    """Two hours before the gateway forgets it, it ends and says so; until then a person may have it fetched."""
    site, told = liar
    if not site.place.running[1:]:
        site.worker()
    lying.be(told, mood)
    made = site.ask(f"{mood} to the end")
    wait(lambda: site.job(made)["error_code"] == code)
    near_the_end = "datetime('now', '-7 days', '+119 minutes')"
    site.sql(f"UPDATE imagen_job SET accepted_at = {near_the_end} WHERE generation_id = %s", made["id"])
    now(site, made)
    ended = site.end(made)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "storage_unavailable")
    assert money(ended) == (Decimal(PRICE),) * 2  # it was made, and is paid
    assert "still kept by WaveSpeedAI until" in ended["error"]["message"]
    lines = _ledger(site, made)
    lying.be(told)
    first, second = (site.place.call("POST", f"{POSTS}{made['id']}/retry/").status for _ in range(2))  # clicked twice
    assert (first, second) in ((202, 202), (202, 409))  # the second may come when all of it is there
    wait(lambda: site.place.look(made)["status"] == "completed")
    is_whole(site.place.look(made))
    assert site.bought(f"{mood} to the end") == 1
    assert _ledger(site, made) == lines


def _ledger(site: Site, made: Any) -> list[Any]:
    """All that was set aside and spent for it."""
    return site.sql("SELECT id, reserved, spent FROM imagen_entry WHERE generation_id = %s ORDER BY id", made["id"])


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Site, Proxy, Any]]:
    """A site whose pictures lie in a bucket at the other end of a wire."""
    port = free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    for name, value in {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "S3_BUCKET": "pictures"}.items():
        monkeypatch.setenv(name, value)
    with subprocess.Popen(command, **quiet) as server, Proxy(f"http://127.0.0.1:{port}") as wire:
        try:
            monkeypatch.setenv("S3_ENDPOINT_URL", wire.url)
            found = boto3.resource("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1")
            wait(lambda: _there(found))
            with plain(tmp_path) as site:
                yield site, wire, found.Bucket("pictures")
                wire.be("fair")
                assert site.dry.inside("wrong") == []
        finally:
            server.terminate()


def _there(found: Any) -> bool:
    with suppress(Exception):
        found.create_bucket(Bucket="pictures")
        return True
    return False


@pytest.mark.fault("F24")
def test_f24_a_bucket_that_is_away_keeps_the_picture_for_later_and_nobody_waiting(
    bucket: tuple[Site, Proxy, Any],
) -> None:
    site, wire, stored = bucket
    site.worker()
    old = site.end(site.ask("f24 before"))
    for how in ("unavailable", "blackhole"):
        wire.be(how)
        made = site.ask(f"f24 {how}")
        wait(lambda made=made: site.job(made)["error_code"] == "storage_unavailable", seconds=60)
        is_waiting(site, made, "storage_unavailable")
        begun = time.monotonic()
        if how == "blackhole":
            assert site.place.call("DELETE", f"{POSTS}{old['id']}/").status == 204
            assert time.monotonic() - begun < 15
        wire.be("fair")
        now(site, made)
        is_whole(site.end(made))
        assert site.bought(f"f24 {how}") == 1
    site.place.manage("imagen_sweep")
    assert len(list(stored.objects.all())) == 4  # two pictures with their previews, the deleted one is gone
    assert list(stored.multipart_uploads.all()) == []

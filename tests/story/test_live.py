"""Followed and counted over real sockets: a generation's events, and a batch from its first request to its last."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from imagen.testing.gateway import Gateway
from proof.site import Place, build
from tests.story.conftest import opened

pytestmark = [pytest.mark.story, pytest.mark.timeout(240)]
ROOT = "/api/imagen/v1/"


@pytest.fixture
def site(stack: dict[str, str], tmp_path: Path, gateway: Gateway) -> Iterator[Place]:
    """Eight threads, four places, all of which one person may take."""
    yield from opened(build(tmp_path, gateway, **stack, API={"streams": 4}))


class Events:
    """One open stream."""

    def __init__(self, site: Place, generation: str, *, seen: str = "") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
        headers = {"Authorization": f"Token {site.token}", "Accept": "text/event-stream", "Last-Event-ID": seen}
        self.connection.request("GET", f"{ROOT}generations/{generation}/events/", headers=headers)
        self.answer = self.connection.getresponse()

    def next(self) -> tuple[str, str, Any]:
        """The next event: its name, its id, and what the generation is like."""
        fields: dict[str, str] = {}
        while not (fields.get("data") and fields.get("id")):
            line = self.answer.readline().decode()
            assert line, "the stream ended"
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value
        return fields["event"], fields["id"], json.loads(fields["data"])

    def close(self) -> None:
        """Hang up."""
        self.answer.close()
        self.connection.close()


def until(true: Callable[[], Any], *, seconds: float = 20.0) -> Any:
    """What it finds as soon as it finds something."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.1)
    assert found
    return found


def test_a_generation_is_followed_to_its_end_and_a_batch_counted_to_its_last(site: Place) -> None:
    asked = site.ask("a lighthouse")["id"]
    seen = first_word(site, asked)
    crowd(site, asked)
    site.start("manage.py", "imagen_worker")
    follow_to_the_end(site, asked, seen)
    batch(site)


def first_word(site: Place, asked: str) -> str:
    """Hear how it stands, and lose the connection."""
    with closing(Events(site, asked)) as stream:
        assert stream.answer.status == 200
        assert stream.answer.headers["Content-Type"] == "text/event-stream"
        name, seen, told = stream.next()
        assert (name, told["status"]) == ("status", "queued")
        return seen


def crowd(site: Place, asked: str) -> None:
    """Nobody but who follows notices that all places are taken, and who leaves frees one."""
    streams = [until(lambda: opened_stream(site, asked)) for _ in range(4)]
    refused = site.call("GET", f"{ROOT}generations/{asked}/events/", Accept="text/event-stream")
    assert (refused.status, refused.json["code"]) == (429, "throttled")
    assert int(refused.headers["Retry-After"]) > 0
    began = time.monotonic()
    assert site.call("GET", f"{ROOT}generations/{asked}/?wait=30").json["status"] == "queued"
    assert time.monotonic() - began < 5
    streams.pop().close()
    streams.append(until(lambda: opened_stream(site, asked)))
    for stream in streams:
        stream.close()


def opened_stream(site: Place, asked: str, seen: str = "") -> Events | None:
    """A stream, if there is a place for it."""
    stream = Events(site, asked, seen=seen)
    if stream.answer.status == 200:
        return stream
    stream.close()
    return None


def follow_to_the_end(site: Place, asked: str, seen: str) -> None:
    """Come again with what was heard last: only what is newer is told, up to the end, which is told once."""
    with closing(until(lambda: opened_stream(site, asked, seen))) as stream:
        told = [stream.next()]
        while told[-1][0] != "done":
            told.append(stream.next())
        assert stream.answer.read().strip() == b""
    assert "queued" not in [each["status"] for _, _, each in told[1:]]
    assert (told[-1][2]["status"], len(told[-1][2]["images"])) == ("completed", 1)
    versions = [version(number) for number in (seen, *(number for _, number, _ in told))]
    assert versions == sorted(set(versions))
    again = site.call("GET", f"{ROOT}generations/{asked}/events/", **{"Last-Event-ID": told[-1][1]})
    assert (again.status, again.body) == (204, b"")


def version(number: str) -> int:
    """Which version of the generation an event with this id tells of."""
    return int(number.partition("-")[0])


def batch(site: Place) -> None:
    """Ask for many, hear how far they are, and find them all."""
    body = {"requests": [{"prompt": f"picture {number}"} for number in range(20)]}
    taken = site.call("POST", f"{ROOT}batches/", body, **{"Idempotency-Key": "twenty"})
    assert (taken.status, taken.json["progress"]["total"]) == (202, 20)
    where = taken.headers["Location"]
    found = until(lambda: (now := site.call("GET", where).json)["completed_at"] and now, seconds=60)
    assert (found["status"], found["progress"]["completed"]) == ("completed", 20)
    assert (found["cost"]["actual"], found["urls"]["cancel"]) == ("0.7600", None)
    listed = site.call("GET", f"{found['urls']['generations']}&page_size=100").json["results"]
    assert [each["prompt"] for each in reversed(listed)] == [each["prompt"] for each in body["requests"]]
    assert site.call("POST", f"{where}cancel/").status == 409

"""Outputs that go wrong, F51 to F61: no picture is stored that is none, and those that are good are kept."""

from __future__ import annotations

import logging
import socket
from typing import Any

import pytest

from imagen import files, transport, verdicts
from imagen.models import Image
from tests.faults.outcome import End, row, seen

DONE = End(status="completed", jobs=("completed",), cost=1, paid=1, images=1)
EXPIRED_SHIPPED = verdicts.EXPIRED_STEPS  # before a test makes them shorter
MANY = pytest.mark.parametrize("vendor", ["wavespeed", "apiin"], indirect=True)  # Apiframe makes one picture a job
LIMIT = 300_000


def ended(code: str) -> End:
    return End(status="failed", code=code, cost=1, paid=1)


def fetches(gateway: Any) -> int:
    """How often a picture was asked for."""
    return sum(call.path.startswith("/files/") for call in gateway.calls)


USELESS = [
    row("F54", "gone", "output_expired", 3, name="404"),
    row("F54", "forbidden", "output_expired", 3, name="403"),
    row("F55", "truncated", "output_invalid", 5, name="the connection ends half way"),
    row("F55", "reset", "output_invalid", 5, name="a reset"),
    row("F55", "unavailable", "output_invalid", 5, name="503"),
    row("F55", "half", "output_invalid", 3, name="half a picture, correctly framed"),
    row("F56", "html", "output_invalid", 3, name="HTML"),
    row("F56", "html-as-png", "output_invalid", 3, name="HTML that says PNG"),
    row("F56", "svg", "output_invalid", 3, name="SVG"),
    row("F56", "empty", "output_invalid", 3, name="nothing"),
    row("F58", "huge-length", "output_too_large", 1, name="a terabyte by its header"),
    row("F58", "endless", "output_too_large", 1, name="endless chunks"),
    row("F59", "bomb", "output_too_large", 1, name="too many pixels"),
    row("F59", "text-bomb", "output_invalid", 3, name="a comment that unfolds"),
    row("F59", "apng", "output_invalid", 1, name="two frames as PNG"),
    row("F59", "animated-webp", "output_invalid", 1, name="two frames as WebP"),
    row("F59", "gif", "output_invalid", 3, name="GIF"),
    row("F59", "gzip", "output_invalid", 1, name="compressed on the way"),
]


@pytest.mark.parametrize(("fault", "code", "tries"), USELESS)
def test_what_is_no_picture_is_never_stored(alone, made, imagen_gateway, fault, code, tries):
    alone(MAX_BYTES=LIMIT)
    imagen_gateway.script(file=fault)
    generation = made()
    assert seen(generation, imagen_gateway) == ended(code).told(generation)
    assert fetches(imagen_gateway) == tries


@pytest.mark.parametrize(
    "fault",
    [
        row("F54", "gone", name="404"),
        row("F55", "truncated", name="truncated"),
        row("F55", "reset", name="a reset"),
        row("F55", "unavailable", name="503"),
        row("F56", "html", name="HTML"),
    ],
)
def test_what_comes_at_the_second_try_is_kept(alone, made, imagen_gateway, fault):
    imagen_gateway.script(file=fault, first=1)
    generation = made()
    assert seen(generation, imagen_gateway) == DONE.told(generation)


@pytest.mark.fault("F54")
def test_an_expired_address_is_asked_for_anew_each_time_over_five_minutes(alone, made, imagen_gateway):
    assert sum(EXPIRED_SHIPPED) == 300
    imagen_gateway.script(file="gone")
    made()
    assert imagen_gateway.jobs[0].polls == transport.GONE_TRIES


@pytest.mark.fault("F54")
@pytest.mark.parametrize("vendor", ["apiframe"], indirect=True)
def test_apiframe_may_say_itself_that_the_pictures_are_gone(alone, made, imagen_gateway):
    imagen_gateway.script(expired=True)
    generation = made()
    assert seen(generation, imagen_gateway)["error"] == ended("output_expired").error(generation)


@pytest.mark.parametrize(
    ("fault", "format"),
    [
        row("F57", "mistyped", "png", name="a PNG that says HTML"),
        row("F57", "jpeg", "jpeg", name="a JPEG at a .png address"),
        row("F57", "webp", "webp", name="a WebP at a .png address"),
    ],
)
def test_the_bytes_say_what_a_picture_is(alone, made, imagen_gateway, fault, format):  # noqa: A002
    imagen_gateway.script(file=fault)
    generation = made()
    image = generation.images.get()
    assert seen(generation, imagen_gateway) == DONE.told(generation)
    assert (image.format, image.file.name.rpartition(".")[2]) == (format, format.replace("jpeg", "jpg"))


@pytest.mark.fault("F58")
def test_no_more_than_the_limit_is_read(alone, made, imagen_gateway, monkeypatch):
    read: list[int] = []
    real = transport._write
    monkeypatch.setattr(transport, "_write", lambda into, chunk: read.append(len(chunk)) or real(into, chunk))
    alone(MAX_BYTES=LIMIT)
    imagen_gateway.script(file="endless")
    made()
    assert sum(read) <= LIMIT


@pytest.mark.fault("F59")
def test_a_bomb_is_refused_before_a_pixel_is_unfolded(alone, made, imagen_gateway, monkeypatch):
    def load(self: Any) -> None:
        raise AssertionError("it was unfolded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    imagen_gateway.script(file="bomb")
    generation = made()
    assert seen(generation, imagen_gateway) == ended("output_too_large").told(generation)


@pytest.mark.fault("F59")
def test_pictures_are_asked_for_uncompressed(alone, made, imagen_gateway):
    made()
    assert {call.headers["accept-encoding"] for call in imagen_gateway.calls} == {"identity"}


BLOCKED = [
    row("F60", "http://169.254.169.254/latest/meta-data", name="a cloud's metadata"),
    row("F60", "http://10.0.0.1/a.png", name="a private network"),
    row("F60", "http://[::1]/a.png", name="this machine"),
    row("F60", "http://127.0.0.1:1/a.png", name="another port of this machine"),
    row("F60", "http://2130706433/a.png", name="a number"),
    row("F60", "https://user@10.0.0.1/a.png", name="with a name in front"),
    row("F60", "http://93.184.215.14:6379/a.png", name="a public host's other port"),
    row("F60", "http://93.184.215.14/a.png", name="a public host without TLS"),
]


@pytest.fixture
def connected(monkeypatch) -> list[Any]:
    """Where sockets were connected to."""
    found: list[Any] = []
    real = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: found.append(address) or real(self, address))
    return found


@pytest.mark.parametrize("url", BLOCKED)
@pytest.mark.parametrize("way", ["named", "redirected"])
def test_an_address_inside_the_network_is_not_fetched(
    site, made, imagen_gateway, connected, url, way, vendor="wavespeed"
):
    site(SWEEP_SECONDS=0.5)
    imagen_gateway.script(**({"urls": (url,)} if way == "named" else {"file": "redirect", "location": url}))
    generation = made()
    assert seen(generation, imagen_gateway) == ended("egress_blocked").told(generation)
    assert fetches(imagen_gateway) == (0 if way == "named" else 1)
    assert {address[1] for address in connected if isinstance(address, tuple)} <= {imagen_gateway.port}


@pytest.mark.fault("F60")
def test_no_key_goes_along_with_a_download(alone, vendor, made, imagen_gateway):
    made()
    (fetch,) = [call for call in imagen_gateway.calls if call.path.startswith("/files/")]
    assert imagen_gateway.wires[vendor].key not in str(fetch.headers)


@pytest.mark.fault("F61")
@pytest.mark.parametrize("encoding", ["base64", "data"])
def test_a_picture_inside_the_answer_is_taken(alone, made, imagen_gateway, encoding):
    imagen_gateway.script(encoding=encoding)
    generation = made()
    assert seen(generation, imagen_gateway) == DONE.told(generation)
    assert fetches(imagen_gateway) == 0


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        row("F61", "html", "output_invalid", name="HTML"),
        row("F61", "bomb", "output_too_large", name="a bomb"),
        row("F61", "apng", "output_invalid", name="two frames"),
    ],
)
def test_a_picture_inside_the_answer_is_checked_like_any_other(alone, made, imagen_gateway, fault, code):
    imagen_gateway.script(encoding="base64", file=fault)
    generation = made()
    assert seen(generation, imagen_gateway) == ended(code).told(generation)


# How many came


@pytest.mark.fault("F51")
@MANY
def test_fewer_than_asked_are_partial_and_cost_what_came(alone, made, imagen_gateway):
    imagen_gateway.script(outputs=2)
    generation = made(num_images=4)
    end = End(status="partial", code="partial_outputs", jobs=("completed",), cost=2, paid=1, images=2)
    assert seen(generation, imagen_gateway) == end.told(generation)


@pytest.mark.fault("F51")
@MANY
def test_what_was_made_and_cannot_be_fetched_is_paid_for(alone, made, imagen_gateway, monkeypatch):
    real = files.prepare

    def prepare(data: bytes, **options: Any) -> files.Ready:
        if data in spoilt:
            raise files.OutputError("not a whole picture", tries=files.PAGE_TRIES)
        return real(data, **options)

    spoilt: list[bytes] = []
    names = lambda: sorted(imagen_gateway.served)  # noqa: E731
    monkeypatch.setattr(files, "prepare", lambda data, **options: (spoil(), prepare(data, **options))[1])

    def spoil() -> None:
        spoilt[:] = [imagen_gateway.served[name] for name in names() if name.endswith(("-1.png", "-3.png"))]

    generation = made(num_images=4)
    end = End(status="partial", code="partial_outputs", jobs=("completed",), cost=4, paid=1, images=2)
    assert seen(generation, imagen_gateway) == end.told(generation)
    assert set(generation.images.values_list("index", flat=True)) == {0, 2}


@pytest.mark.fault("F52")
@MANY
def test_more_than_asked_are_cut_and_noted(alone, made, imagen_gateway, caplog):
    imagen_gateway.script(outputs=5)
    generation = made(num_images=2)
    end = End(status="completed", jobs=("completed",), cost=2, paid=1, images=2)
    assert seen(generation, imagen_gateway) == end.told(generation)
    assert noted(caplog)


@pytest.mark.fault("F52")
@pytest.mark.parametrize("vendor", ["wavespeed"], indirect=True)  # API in One names an output in several places
def test_the_same_output_twice_counts_once_and_is_noted(alone, made, imagen_gateway, caplog):
    imagen_gateway.script(repeat=True)
    generation = made(num_images=2)
    end = End(status="partial", code="partial_outputs", jobs=("completed",), cost=1, paid=1, images=1)
    assert seen(generation, imagen_gateway) == end.told(generation)
    assert noted(caplog)


def noted(caplog: Any) -> bool:
    """Whether the log says that there was something odd about the outputs."""
    return any("more outputs than places" in each.getMessage() for each in caplog.records if each.levelno == logging.WARNING)


@pytest.mark.fault("F53")
@pytest.mark.parametrize("vendor", ["wavespeed"], indirect=True)  # the others flag nothing
def test_a_flagged_output_is_held_and_the_others_are_shown(alone, made, imagen_gateway):
    from imagen import presentation  # noqa: PLC0415

    imagen_gateway.script(flags=(False, True))
    generation = made(num_images=2)
    end = End(status="completed", jobs=("completed",), cost=2, paid=1, images=2)
    assert seen(generation, imagen_gateway) == end.told(generation)
    first, second = presentation.generation_json(generation)["images"]
    assert (first["review"], first["flagged"], bool(first["url"])) == ("none", False, True)
    assert (second["review"], second["flagged"], second["url"], second["thumbnail_url"]) == ("held", True, None, None)


@pytest.mark.fault("F53")
def test_where_nothing_is_said_nothing_is_held(alone, made, imagen_gateway):
    imagen_gateway.script(flags=None)
    made()
    assert list(Image.objects.values_list("flagged", "review")) == [(None, "none")]

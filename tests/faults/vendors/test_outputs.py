"""Outputs that go wrong, F51 to F61: no picture is stored that is none, and those that are good are kept."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from imagen import files, hauls, presentation, transport
from imagen.models import Image
from tests.factories import person
from tests.faults.outcome import VENDORS, End, check, fetches, odd, polls, row, seen

DONE = End(status="completed", jobs=("completed",), cost=1, paid=1, images=1)
EXPIRED_SHIPPED = hauls.EXPIRED_STEPS  # before a test makes them shorter
MANY = ("wavespeed", "apiin")  # they make four pictures a job, Apiframe one
INLINE = ("wavespeed", "apiframe")  # API in One knows addresses only
LIMIT = 300_000


def useless(code: str) -> End:
    """Paid, and not to be used."""
    return End(status="failed", code=code, cost=1, paid=1)


USELESS = [
    row("F54", "gone", "output_expired", 3, name="404"),
    row("F54", "forbidden", "output_expired", 3, name="403"),
    row("F55", "truncated", "output_invalid", 5, name="the connection ends half way"),
    row("F55", "unavailable", "output_invalid", 5, name="503"),
    row("F55", "reset", "output_invalid", 10, name="a reset"),  # aiohttp repeats a GET that was cut off, once
    row("F55", "redirect", "output_invalid", 5, name="a redirect to where no picture is"),
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


@pytest.mark.parametrize(("fault", "code", "gets"), USELESS)
def test_what_is_no_picture_is_never_stored(play, imagen_gateway, fault, code, gets):
    check(play({"file": fault}, MAX_BYTES=LIMIT), imagen_gateway, useless(code))
    assert [fetches(imagen_gateway, vendor) for vendor in VENDORS] == [gets] * 3


SECOND = [
    row("F54", "gone", name="404"),
    row("F55", "truncated", name="truncated"),
    row("F55", "reset", name="a reset"),
    row("F55", "unavailable", name="503"),
    row("F56", "html", name="HTML"),
]


@pytest.mark.parametrize("fault", SECOND)
def test_what_comes_at_the_second_try_is_kept(play, imagen_gateway, fault):
    check(play({"file": fault, "first": 1}), imagen_gateway, DONE)


@pytest.mark.fault("F54")
def test_an_expired_address_is_asked_for_anew_each_time_over_five_minutes(play, imagen_gateway):
    assert sum(EXPIRED_SHIPPED) == 300
    play({"file": "gone"})
    assert [polls(imagen_gateway, vendor) for vendor in VENDORS] == [transport.GONE_TRIES] * 3


@pytest.mark.fault("F54")
def test_apiframe_may_say_itself_that_the_pictures_are_gone(play, imagen_gateway):
    (generation,) = play({"expired": True}, only=("apiframe",))
    assert seen(generation, imagen_gateway)["error"] == useless("output_expired").error(generation)


MISNAMED = [
    row("F57", "jpeg", "jpeg", name="a JPEG at a .png address"),
    row("F57", "webp", "webp", name="a WebP at a .png address"),
    row("F57", "mistyped", "", name="a picture that says HTML"),
]


@pytest.mark.parametrize(("fault", "kind"), MISNAMED)
def test_the_bytes_say_what_a_picture_is(play, imagen_gateway, fault, kind):
    asked = play({"file": fault})
    check(asked, imagen_gateway, DONE)
    for generation in asked:
        due = kind or ("jpeg" if generation.provider == "apiframe" else "png")  # what each makes by itself
        image = generation.images.get()
        assert (image.format, image.file.name.rpartition(".")[2]) == (due, due.replace("jpeg", "jpg"))


@pytest.mark.fault("F58")
def test_no_more_than_the_limit_is_read(play, monkeypatch):
    read: list[int] = []
    real = transport._write
    monkeypatch.setattr(transport, "_write", lambda into, chunk: read.append(len(chunk)) or real(into, chunk))
    play({"file": "endless"}, only=("wavespeed",), MAX_BYTES=LIMIT)
    assert 0 < sum(read) <= LIMIT


@pytest.mark.fault("F59")
def test_a_bomb_is_refused_before_a_pixel_is_unfolded(play, imagen_gateway, monkeypatch):
    def load(self: Any) -> None:
        raise AssertionError("it was unfolded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    check(play({"file": "bomb"}, only=("wavespeed",)), imagen_gateway, useless("output_too_large"))


@pytest.mark.fault("F59")
@pytest.mark.fault("F60")
def test_pictures_are_asked_for_uncompressed_and_without_a_key(play, imagen_gateway):
    play({})
    fetched = [call for call in imagen_gateway.calls if call.path.startswith("/files/")]
    assert {call.headers["accept-encoding"] for call in fetched} == {"identity"}
    said = str([call.headers for call in fetched])
    assert not [wire.key for wire in imagen_gateway.wires.values() if wire.key in said]


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


@pytest.mark.parametrize("url", BLOCKED)
@pytest.mark.parametrize("way", ["named", "redirected"])
def test_an_address_inside_the_network_is_not_fetched(play, imagen_gateway, connected, url, way):
    asked = play({"urls": (url,)} if way == "named" else {"file": "redirect", "location": url})
    check(asked, imagen_gateway, useless("egress_blocked"))
    assert [fetches(imagen_gateway, vendor) for vendor in VENDORS] == [0 if way == "named" else 1] * 3
    assert {address[1] for address in connected if isinstance(address, tuple)} <= {imagen_gateway.port}


@pytest.mark.fault("F61")
@pytest.mark.parametrize("encoding", ["base64", "data"])
def test_a_picture_inside_the_answer_is_taken(play, imagen_gateway, encoding):
    check(play({"encoding": encoding}, only=INLINE), imagen_gateway, DONE)
    assert [fetches(imagen_gateway, vendor) for vendor in INLINE] == [0, 0]


INSIDE = [
    row("F61", "html", "output_invalid", name="HTML"),
    row("F61", "bomb", "output_too_large", name="a bomb"),
    row("F61", "apng", "output_invalid", name="two frames"),
]


@pytest.mark.parametrize(("fault", "code"), INSIDE)
def test_a_picture_inside_the_answer_is_checked_like_any_other(play, imagen_gateway, fault, code):
    check(play({"encoding": "base64", "file": fault}, only=INLINE), imagen_gateway, useless(code))


# How many came


@pytest.mark.fault("F51")
def test_fewer_than_asked_are_partial_and_cost_what_came(play, imagen_gateway):
    asked = play({"outputs": 2}, only=MANY, asked={"num_images": 4})
    end = End(status="partial", code="partial_outputs", jobs=("completed",), cost=2, paid=1, images=2)
    check(asked, imagen_gateway, end)


@pytest.mark.fault("F51")
def test_what_was_made_and_cannot_be_used_is_paid_for(play, imagen_gateway, monkeypatch):
    real = files.prepare

    def prepare(data: bytes, **options: Any) -> files.Ready:
        name = next(name for name, served in imagen_gateway.served.items() if served == data)
        if name.endswith(("-1.png", "-3.png")):
            raise files.OutputError("not a whole picture", tries=files.PAGE_TRIES)
        return real(data, **options)

    monkeypatch.setattr(files, "prepare", prepare)
    asked = play({}, only=MANY, asked={"num_images": 4})
    end = End(status="partial", code="partial_outputs", jobs=("completed",), cost=4, paid=1, images=2)
    check(asked, imagen_gateway, end)
    assert [set(each.images.values_list("index", flat=True)) for each in asked] == [{0, 2}] * 2


@pytest.mark.fault("F51")
def test_where_a_picture_is_a_job_each_fails_for_itself(play, imagen_gateway, monkeypatch):
    """Apiframe makes one picture a job: of four, the second and the fourth send nothing that can be used."""
    real = files.prepare

    def prepare(data: bytes, **options: Any) -> files.Ready:
        name = next(name for name, served in imagen_gateway.served.items() if served == data)
        if name.startswith(tuple(job.id for job in imagen_gateway.jobs[1::2])):
            raise files.OutputError("more than one frame")
        return real(data, **options)

    monkeypatch.setattr(files, "prepare", prepare)
    asked = play({}, only=("apiframe",), asked={"num_images": 4})
    jobs = ("completed", "completed", "failed", "failed")
    end = End(status="partial", code="partial_outputs", jobs=jobs, cost=4, paid=4, images=2)
    check(asked, imagen_gateway, end)


@pytest.mark.fault("F52")
def test_more_than_asked_are_cut_and_noted(play, imagen_gateway, caplog):
    asked = play({"outputs": 5}, only=MANY, asked={"num_images": 2})
    end = End(status="completed", jobs=("completed",), cost=2, paid=1, images=2)
    check(asked, imagen_gateway, end)
    assert noted(caplog) == sorted(MANY)
    assert odd() == [(vendor, "extra_outputs", 1) for vendor in sorted(MANY)]
    assert {generation.anomalies.get().note for generation in asked} == {"5 sent, 2 kept"}


@pytest.mark.fault("F52")
def test_more_than_one_where_one_was_asked_is_cut_and_noted(play, imagen_gateway, caplog):
    check(play({"outputs": 5}), imagen_gateway, DONE)
    assert noted(caplog) == sorted(VENDORS)
    assert odd() == [(vendor, "extra_outputs", 1) for vendor in sorted(VENDORS)]


@pytest.mark.fault("F52")
def test_the_same_output_twice_counts_once(play, imagen_gateway, caplog):
    """API in One names an output in several places of one answer: there it is no oddity."""
    asked = play({"repeat": True}, only=MANY, asked={"num_images": 2})
    end = End(status="partial", code="partial_outputs", jobs=("completed",), cost=1, paid=1, images=1)
    check(asked, imagen_gateway, end)
    assert noted(caplog) == ["wavespeed"]
    assert odd() == [("wavespeed", "extra_outputs", 1)]


@pytest.mark.fault("F52")
def test_what_is_stored_in_several_rounds_is_noted_once(play, caplog):
    (generation,) = play({"outputs": 5, "file": "truncated", "first": 2}, only=("wavespeed",))
    assert generation.status == "completed"
    assert len(noted(caplog)) > 1
    assert odd() == [("wavespeed", "extra_outputs", 1)]


def noted(caplog: Any) -> list[str]:
    """Of which vendors the log says that there was something odd about the outputs."""
    odd = [each for each in caplog.records if "more outputs than places" in each.getMessage()]
    return sorted(each.provider for each in odd if each.levelno == logging.WARNING)


@pytest.mark.fault("F53")
def test_a_flagged_output_is_held_and_the_others_are_shown(play, imagen_gateway, client):
    only = ("wavespeed",)  # the others flag nothing
    (generation,) = play({"flags": (False, True)}, only=only, asked={"num_images": 2})
    end = End(status="completed", jobs=("completed",), cost=2, paid=1, images=2)
    check([generation], imagen_gateway, end)
    first, second = presentation.generation_json(generation)["images"]
    assert (first["review"], first["flagged"], bool(first["url"])) == ("none", False, True)
    assert (second["review"], second["flagged"], second["url"], second["thumbnail_url"]) == ("held", True, None, None)
    client.force_login(person("ann", "view_all", "view_generation", is_staff=True))
    page = client.get(f"/admin/imagen/generation/{generation.pk}/change/").content.decode()
    assert (page.count("<img"), "Held for review" in page) == (1, True)


@pytest.mark.fault("F53")
def test_where_nothing_is_said_nothing_is_held(play, imagen_gateway):
    check(play({"flags": None}), imagen_gateway, DONE)
    assert set(Image.objects.values_list("flagged", "review")) == {(None, "none")}

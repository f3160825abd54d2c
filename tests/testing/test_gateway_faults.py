"""The gateway misbehaves on demand: calls, jobs and files."""

from __future__ import annotations

import io
import time
from contextlib import suppress
from typing import Any

import httpx
import pytest
from PIL import Image

from imagen.exceptions import ProviderError
from imagen.testing import Gateway, faults
from imagen.types import State
from tests.testing.callers import opened

WORDS = {"prompt": "a kitten", "aspect_ratio": "16:9", "num_images": 2}


# Faults of calls


@pytest.mark.parametrize("fault", faults.CALLS)
def test_a_fault_decides_whether_a_submit_is_billed(imagen_gateway: Gateway, client: httpx.Client, fault: str):
    imagen_gateway.script(submit=fault, seconds=0.01, rate=100_000)
    with suppress(httpx.HTTPError):
        client.post("/api/v3/google/imagen4", json=WORDS, timeout=0.2)
    assert len(imagen_gateway.jobs) == (0 if fault in faults.BEFORE else 1)


@pytest.mark.parametrize("fault", ["reset-before", "reset-after"])
def test_a_reset_is_a_broken_connection(imagen_gateway: Gateway, client: httpx.Client, fault: str):
    imagen_gateway.script(submit=fault)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.post("/api/v3/google/imagen4", json=WORDS)


@pytest.mark.parametrize("fault", ["hang", "hang-before"])
def test_a_hang_is_silence(imagen_gateway: Gateway, client: httpx.Client, fault: str):
    imagen_gateway.script(submit=fault)
    with pytest.raises(httpx.ReadTimeout):
        client.post("/api/v3/google/imagen4", json=WORDS, timeout=0.1)


def test_a_drip_comes_slowly_but_whole(imagen_gateway: Gateway, client: httpx.Client):
    imagen_gateway.script(submit="drip", rate=4000)
    start = time.monotonic()
    assert client.post("/api/v3/google/imagen4", json=WORDS).json()["data"]["status"] == "created"
    assert time.monotonic() - start > 0.1


def test_a_slow_answer_is_whole(imagen_gateway: Gateway, client: httpx.Client):
    imagen_gateway.script(submit="slow", seconds=0.1)
    start = time.monotonic()
    assert client.post("/api/v3/google/imagen4", json=WORDS).status_code == 200
    assert time.monotonic() - start >= 0.1


def test_a_truncated_answer_breaks_off(imagen_gateway: Gateway, client: httpx.Client):
    imagen_gateway.script(submit="truncated")
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/api/v3/google/imagen4", json=WORDS)


@pytest.mark.parametrize("place", ["submit", "poll"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("garbled", "provider_protocol_error"),
        ("not-json", "provider_protocol_error"),
        ("empty", "provider_protocol_error"),
        ("list", "provider_protocol_error"),
        ("null-data", "provider_protocol_error"),
        ("wrong-types", "provider_protocol_error"),
        ("huge-id", "provider_protocol_error"),
        ("control-id", "provider_protocol_error"),
        ("redirect", "provider_protocol_error"),
        ("status", "provider_unavailable"),
        ("status-after", "provider_unavailable"),
        ("error-inside", "provider_unavailable"),
    ],
)
def test_a_bad_answer_is_classified(imagen_gateway: Gateway, caller: Any, place: str, fault: str, code: str):
    accepted = caller.submit()
    imagen_gateway.script(**{place: fault})
    with pytest.raises(ProviderError) as caught:
        caller.check(accepted.remote_id) if place == "poll" else caller.submit()
    assert caught.value.code == code


def test_a_redirect_points_where_the_script_says(imagen_gateway: Gateway, client: httpx.Client):
    imagen_gateway.script(submit="redirect", location="http://10.0.0.1/")
    got = client.post("/api/v3/google/imagen4", json=WORDS, follow_redirects=False)
    assert (got.status_code, got.headers["location"]) == (302, "http://10.0.0.1/")


def test_an_error_inside_http_200_has_its_own_code_and_words(imagen_gateway: Gateway, client: httpx.Client):
    imagen_gateway.script(submit="error-inside", status=402, message="Insufficient credits")
    got = client.post("/api/v3/google/imagen4", json=WORDS)
    assert (got.status_code, got.json()) == (200, {"code": 402, "message": "Insufficient credits", "data": None})


# Odd jobs


def test_words_follow_each_other_and_the_last_one_stays(imagen_gateway: Gateway, caller: Any):
    imagen_gateway.script(words=("created", "dreaming", "failed", "COMPLETED"))
    remote_id = caller.submit().remote_id
    path = f"/api/v3/predictions/{remote_id}/result"
    news = [caller.client.get(path).json()["data"] for _ in range(5)]
    assert [data["status"] for data in news] == ["created", "dreaming", "failed", "COMPLETED", "COMPLETED"]
    assert [len(data["outputs"]) for data in news] == [0, 0, 0, 1, 1]


def test_a_job_may_fail_for_a_reason(imagen_gateway: Gateway, caller: Any):
    imagen_gateway.script(latency=0, failure="Content flagged.", code=1200)
    failure = caller.finished().failure
    assert failure is not None
    assert (failure.code, failure.message) == ("content_filtered", "Content flagged.")


def test_a_job_may_never_end(imagen_gateway: Gateway, caller: Any):
    imagen_gateway.script(latency=0, words=("processing",))
    assert caller.finished().state is State.PENDING


@pytest.mark.parametrize("count", [0, 1, 5])
def test_there_may_be_fewer_or_more_outputs_than_asked(imagen_gateway: Gateway, caller: Any, count: int):
    imagen_gateway.script(latency=0, outputs=count)
    urls = [output.url for output in caller.finished(num_images=4).outputs]
    assert (len(urls), len(set(urls))) == (count, count)


def test_outputs_may_repeat_one_address(imagen_gateway: Gateway, caller: Any):
    imagen_gateway.script(latency=0, repeat=True)
    urls = [output.url for output in caller.finished(num_images=4).outputs]
    assert (len(urls), len(set(urls))) == (4, 1)


def test_outputs_may_be_anywhere(imagen_gateway: Gateway, caller: Any):
    imagen_gateway.script(latency=0, urls=("http://169.254.169.254/latest",))
    assert [o.url for o in caller.finished().outputs] == ["http://169.254.169.254/latest"]


@pytest.mark.parametrize(
    ("flags", "expected"), [((True, False), [True, False]), ((True,), [True, None]), (None, [None, None])]
)
def test_flags_are_what_the_script_says(imagen_gateway: Gateway, caller: Any, flags: Any, expected: list[bool | None]):
    imagen_gateway.script(latency=0, flags=flags)
    assert [output.flagged for output in caller.finished(num_images=2).outputs] == expected


@pytest.mark.parametrize("encoding", ["base64", "data"])
def test_outputs_may_be_text(imagen_gateway: Gateway, caller: Any, encoding: str):
    imagen_gateway.script(latency=0, encoding=encoding)
    (output,) = caller.finished().outputs
    assert opened(output.content()).size == (64, 64)
    assert list(imagen_gateway.served.values()) == [output.content()]


# Faults of files


@pytest.fixture
def fetch(imagen_gateway: Gateway, caller: Any) -> Any:
    def fetch(fault: str, **steps: Any) -> httpx.Response:
        imagen_gateway.script(latency=0, file=fault, **steps)
        (output,) = caller.finished(aspect_ratio="16:9").outputs
        return httpx.get(output.url, timeout=5)

    return fetch


@pytest.mark.parametrize(
    ("fault", "form", "frames"),
    [("jpeg", "JPEG", 1), ("webp", "WEBP", 1), ("gif", "GIF", 2), ("apng", "PNG", 2), ("animated-webp", "WEBP", 2)],
)
def test_a_file_may_be_another_kind_of_picture(fetch: Any, fault: str, form: str, frames: int):
    image = opened(fetch(fault).content)
    assert (image.format, getattr(image, "n_frames", 1), image.size) == (form, frames, (88, 48))


@pytest.mark.parametrize("fault", ["html", "html-as-png", "svg", "empty", "half"])
def test_a_file_may_be_no_picture_at_all(fetch: Any, fault: str):
    with pytest.raises(OSError, match=r"cannot identify|truncated|broken"):
        opened(fetch(fault).content)


def test_a_file_may_have_another_ratio(fetch: Any):
    assert opened(fetch("wrong-ratio").content).size == (48, 176)


def test_a_small_file_may_unfold_into_a_huge_picture(fetch: Any):
    content = fetch("bomb").content
    assert len(content) < 1_000_000
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(content))


def test_a_file_may_come_packed(fetch: Any):
    got = fetch("gzip")
    assert got.headers["content-encoding"] == "gzip"
    assert opened(got.content).size == (88, 48)


@pytest.mark.parametrize(("fault", "status"), [("gone", 404), ("forbidden", 403), ("unavailable", 503)])
def test_a_file_may_be_gone(fetch: Any, fault: str, status: int):
    assert fetch(fault).status_code == status


def test_a_file_may_come_back_after_the_first_tries(fetch: Any, imagen_gateway: Gateway):
    assert fetch("gone", first=1).status_code == 404
    (job,) = imagen_gateway.jobs
    assert httpx.get(f"{imagen_gateway.url}/files/{job.id}-0.png").status_code == 200


def test_a_file_may_be_elsewhere(fetch: Any):
    assert fetch("redirect", location="http://127.0.0.1:1/").headers["location"] == "http://127.0.0.1:1/"


@pytest.mark.parametrize("fault", ["truncated", "reset"])
def test_a_download_may_break_off(fetch: Any, fault: str):
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        fetch(fault)


@pytest.mark.parametrize("fault", ["endless", "huge-length"])
def test_a_download_may_never_end(imagen_gateway: Gateway, caller: Any, fault: str):
    imagen_gateway.script(latency=0, file=fault)
    (output,) = caller.finished().outputs
    read = 0
    with httpx.stream("GET", output.url) as got:
        for chunk in got.iter_bytes():
            if (read := read + len(chunk)) > 1_000_000:
                break
    assert read > 1_000_000
    assert got.headers.get("content-length") == (str(10**12) if fault == "huge-length" else None)

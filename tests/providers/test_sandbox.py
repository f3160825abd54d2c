"""The sandbox: pictures without a network, the same for the same wish, and every misfortune on command."""

from __future__ import annotations

import base64
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imagen.directives import CODES, NEVER
from imagen.exceptions import Busy, Declined, NotFound, ProviderError, Unclear
from imagen.offers import MODELS
from imagen.painting import size_of
from imagen.providers.base import REMOTE_ID
from imagen.providers.sandbox import FAILURES, Sandbox, answer
from imagen.types import ASPECT_RATIOS, OUTPUT_FORMATS, Call, ImageRequest, Reply, Snapshot, State

NOON = 1_800_000_000.0
LATER = NOON + 2


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def submit(prompt: str = "a fox", *, key: str = "job-1", at: float = NOON, **options: Any) -> Snapshot:
    """What the sandbox says to this request when it arrives."""
    sandbox = Sandbox(latency=options.pop("latency", 1.5))
    offer = sandbox.offers["imagen-4"][0]
    request = offer.settle(ImageRequest(prompt=prompt, **options))
    return sandbox.read(answer(sandbox.submit(request, offer=offer, key=key), now=at))


def check(remote_id: str, *, at: float = LATER) -> Snapshot:
    sandbox = Sandbox()
    return sandbox.read(answer(sandbox.check(remote_id), now=at))


def fetch(url: str) -> Reply:
    return answer(Call(method="GET", url=url), now=LATER)


def finished(prompt: str = "a fox", **options: Any) -> Snapshot:
    """The news of a job for this request once its time has come."""
    return check(submit(prompt, **options).remote_id)


def pictures(prompt: str = "a fox", **options: Any) -> list[bytes]:
    return [fetch(output.url).body for output in finished(prompt, **options).outputs]


def shape(data: bytes) -> tuple[tuple[int, int], str | None]:
    with Image.open(io.BytesIO(data)) as found:
        found.load()
        return found.size, found.format


def test_it_needs_no_key_and_a_repeat_is_another_job(sandbox: Sandbox) -> None:
    assert sandbox.configured
    assert not sandbox.idempotent


def test_it_sells_every_model_for_nothing_with_every_parameter(sandbox: Sandbox) -> None:
    assert set(sandbox.offers) == set(MODELS)
    for model, (offer,) in sandbox.offers.items():
        assert (offer.model, offer.images_per_call, offer.cost(4)) == (model, 4, Decimal(0))
        assert {"negative_prompt", "seed", "resolution", "output_format"} < set(offer.parameters["properties"])


def test_a_job_is_pending_until_its_time_and_then_done() -> None:
    accepted = submit(num_images=2)
    assert (accepted.state, accepted.outputs) == (State.PENDING, ())
    assert check(accepted.remote_id, at=NOON + 1.4).state is State.PENDING
    done = check(accepted.remote_id, at=NOON + 1.6)
    assert (done.state, done.remote_id, len(done.outputs)) == (State.DONE, accepted.remote_id, 2)
    assert [output.flagged for output in done.outputs] == [False, False]


def test_the_site_says_how_long_a_picture_takes() -> None:
    assert check(submit(latency=9).remote_id, at=NOON + 8).state is State.PENDING
    assert submit(latency=0).state is State.DONE


def test_options_nobody_knows_are_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        Sandbox(colour="red")


@pytest.mark.parametrize("form", OUTPUT_FORMATS)
@pytest.mark.parametrize("ratio", ASPECT_RATIOS)
def test_a_picture_has_the_asked_ratio_and_format(ratio: str, form: str) -> None:
    (data,) = pictures(aspect_ratio=ratio, output_format=form)
    assert shape(data) == (size_of(ratio, "1k"), form.upper())


def test_a_picture_has_the_asked_resolution() -> None:
    (data,) = pictures(resolution="2k")
    assert shape(data)[0] == (2048, 2048)


def test_a_picture_says_what_it_is() -> None:
    (output,) = finished(output_format="jpeg").outputs
    assert fetch(output.url).headers == {"content-type": "image/jpeg"}


def test_the_same_wish_gets_the_same_pictures_whoever_asks() -> None:
    wish = {"num_images": 2, "seed": 7}
    assert pictures(key="job-1", **wish) == pictures(key="job-2", at=NOON - 60, **wish)


@pytest.mark.parametrize("other", [{"prompt": "a hen"}, {"seed": 7}, {"seed": 0}, {"negative_prompt": "rain"}])
def test_another_wish_gets_another_picture(other: dict[str, Any]) -> None:
    assert pictures() != pictures(**other)


def test_the_pictures_of_one_job_differ() -> None:
    assert len(set(pictures(num_images=4))) == 4


def test_directives_do_not_change_the_picture() -> None:
    assert pictures("[[nsfw:1]] a fox [[slow:1]]") == pictures("a fox")


def test_two_equal_wishes_at_the_same_moment_are_two_jobs() -> None:
    assert submit(key="job-1").remote_id != submit(key="job-2").remote_id


@pytest.mark.parametrize("code", ["", *CODES])
@pytest.mark.parametrize("word", ["a fox ", "狐", "🦊", '"\\', "\x01"])
def test_an_id_fits_however_long_the_prompt_is(word: str, code: str) -> None:
    prompt = f"[[fail:{code}]] " + word * (4900 // len(word))
    try:
        accepted = submit(prompt, aspect_ratio="21:9", num_images=4, output_format="jpeg", seed=2**31 - 1)
    except ProviderError:
        return
    assert REMOTE_ID.fullmatch(accepted.remote_id)


def test_a_long_prompt_keeps_the_beginning_of_its_caption() -> None:
    text = submit("a fox " * 500).remote_id
    assert "a fox a fox a fox" in base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


@pytest.mark.parametrize("wish", [("a fox", "Text, lettering"), ("a fox. No text in the picture.", "")])
def test_who_wants_no_text_in_the_picture_gets_no_caption(wish: tuple[str, str]) -> None:
    text = submit(wish[0], negative_prompt=wish[1]).remote_id
    assert "fox" not in base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def test_a_picture_can_be_two_plain_halves_in_every_shape_and_format() -> None:
    for form in OUTPUT_FORMATS:
        one, other = pictures("a fox [[halves:light,dark]]", aspect_ratio="16:9", output_format=form, num_images=2)
        assert one != other
        with Image.open(io.BytesIO(one)) as found:
            sides = [found.convert("L").crop(box).getextrema() for box in ((0, 0, 690, 768), (720, 0, 1408, 768))]
        assert (shape(one)[0], sides[0][0] > 200, sides[1][1] < 60) == ((1408, 768), True, True)


def test_an_id_of_a_release_that_knew_no_halves_is_still_read() -> None:
    text = submit().remote_id
    fields = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))[:-1]
    old = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")
    assert check(old).state is State.DONE


def test_a_slow_job_takes_its_time() -> None:
    job = submit("a fox [[slow:20]]").remote_id
    assert (check(job, at=NOON + 19).state, check(job, at=NOON + 21).state) == (State.PENDING, State.DONE)


def test_some_jobs_never_end() -> None:
    assert check(submit("a fox [[never]]").remote_id, at=NOON + NEVER - 1).state is State.PENDING


def test_one_output_can_be_flagged() -> None:
    assert [output.flagged for output in finished("a fox [[nsfw:2]]", num_images=3).outputs] == [False, True, False]


@pytest.mark.parametrize(
    ("prompt", "asked", "come"),
    [
        ("[[partial:3of4]] a fox", 4, 3),
        ("[[partial:3of4]] a fox", 2, 2),
        ("[[fail:partial_outputs]] a fox", 4, 3),
        ("[[fail:no_outputs]] a fox", 4, 0),
    ],
)
def test_fewer_outputs_can_come_than_were_asked(prompt: str, asked: int, come: int) -> None:
    done = finished(prompt, num_images=asked)
    assert (done.state, len(done.outputs)) == (State.DONE, come)


@pytest.mark.parametrize("prompt", ["a fox [[wrong-ratio]]", "a fox [[fail:wrong_size]]"])
@pytest.mark.parametrize(("asked", "painted"), [("16:9", "1:1"), ("1:1", "16:9")])
def test_a_picture_can_come_in_the_wrong_ratio(prompt: str, asked: str, painted: str) -> None:
    (data,) = pictures(prompt, aspect_ratio=asked)
    assert shape(data)[0] == size_of(painted, "1k")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("model_retired", NotFound),
        ("provider_auth", Declined),
        ("provider_insufficient_credits", Declined),
        ("provider_rejected", Declined),
        ("provider_rate_limited", Busy),
        ("provider_unavailable", Busy),
        ("submit_unknown", Unclear),
    ],
)
def test_a_submit_fails_with_the_code_it_was_told(code: str, error: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        submit(f"a fox [[fail:{code}]]")
    assert (type(caught.value), caught.value.code) == (error, code)


def test_a_limited_submit_says_when_to_come_back() -> None:
    with pytest.raises(Busy) as caught:
        submit("a fox [[fail:provider_rate_limited]]")
    assert caught.value.retry_after == 5


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_an_accepted_job_fails_with_the_code_it_was_told(code: str) -> None:
    accepted = submit(f"a fox [[fail:{code}]]")
    assert (accepted.state, accepted.failure) == (State.PENDING, None)
    news = check(accepted.remote_id)
    assert (news.state, news.outputs) == (State.FAILED, ())
    assert news.failure is not None
    assert news.failure.code == code


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [("output_expired", 404, ""), ("output_invalid", 200, "text/html"), ("output_too_large", 200, "image/png")],
)
def test_a_file_can_be_gone_or_no_picture_or_too_large(code: str, status: int, kind: str) -> None:
    (output,) = finished(f"a fox [[fail:{code}]]").outputs
    reply = fetch(output.url)
    assert (reply.status, reply.headers.get("content-type", "")) == (status, kind)
    assert len(reply.body) < 1000
    assert (int(reply.headers.get("content-length", 0)) > 2**30) == (code == "output_too_large")


def test_an_output_can_point_where_nobody_may_go() -> None:
    (output,) = finished("a fox [[fail:egress_blocked]]").outputs
    assert output.url == "http://169.254.169.254/latest"


@pytest.mark.parametrize("code", ["storage_unavailable", "storage_full"])
def test_the_site_s_own_storage_is_not_the_sandbox_s_to_break(code: str) -> None:
    assert pictures(f"a fox [[fail:{code}]]") == pictures("a fox")


def forged(**changes: Any) -> str:
    text = submit().remote_id
    fields = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    for place, value in changes.items():
        fields[int(place[1:])] = value
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "name",
    [
        *("", "nonsense", "é", "bnVsbA", "W10", "e30", "W" * 9000),
        *(forged(_1="1:9"), forged(_1=[]), forged(_2="64k"), forged(_3="gif"), forged(_4="4"), forged(_5=None)),
        *(forged(_10="light"), forged(_10="red,dark"), forged(_10=1)),
        *(forged(_7=[]), forged(_9=1), forged(_9="é" * 40)[:-1]),
    ],
    ids=lambda name: ascii(name[:40]),
)
def test_it_does_not_know_what_it_never_gave_out(name: str) -> None:
    assert fetch(f"sandbox://files/{name}/0").status == 404
    with pytest.raises(NotFound):
        check(name)


@pytest.mark.parametrize("index", ["4", "-1", "", "0/1", "x", "00"])
def test_it_has_no_fifth_picture(index: str) -> None:
    assert fetch(f"sandbox://files/{submit(num_images=4).remote_id}/{index}").status == 404


@settings(max_examples=50, deadline=None)
@given(name=st.text(max_size=300) | st.binary(max_size=180).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_no_address_makes_it_stumble(name: str) -> None:
    assert fetch(f"sandbox://{name}").status == 404

"""What every vendor inherits: reading, refusing, cleaning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from imagen.exceptions import BadSignature, Busy, Declined, NotFound, ProviderError, Unclear, Unreadable
from imagen.offers import Offer, Price
from imagen.providers import base
from imagen.providers.base import REMOTE_ID, Provider, between, first, moment, readable
from imagen.testing.bodies import reply_with
from imagen.types import Call, Failure, Found, ImageRequest, Reply, Snapshot, State, Trace


class Plain(Provider):
    """A vendor that does nothing of its own."""

    slug = "plain"
    label = "Plain"
    origin = "https://plain.example"
    offers = {}
    words = {"done": State.DONE}

    def submit(self, request: ImageRequest, *, offer: Any, key: str, callback: str = "") -> Call:
        return Call(method="POST", url=self.url)

    def check(self, remote_id: str) -> Call:
        return Call(method="GET", url=f"{self.url}/{remote_id}")

    def parse(self, document: dict[str, Any]) -> Snapshot:
        if "raise" in document:
            raise document["raise"]
        failure = Failure(code="provider_failed", message=document["failure"]) if "failure" in document else None
        state = State.FAILED if failure else self.state(document.get("status", "done"))
        return Snapshot(state=state, remote_id=document["id"], failure=failure, model=document.get("model", ""))


@pytest.fixture
def plain() -> Plain:
    return Plain(api_key="sk_secret")


def refused(plain: Plain, status: int, message: str = "no") -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        plain.read(reply_with({"message": message}, status))
    return caught.value


# Itself


def test_it_talks_to_its_origin_unless_told_otherwise(plain: Plain):
    assert plain.url == "https://plain.example"
    assert Plain(base_url="http://127.0.0.1:9400/").url == "http://127.0.0.1:9400"


def test_it_is_configured_when_the_key_is_there_or_none_is_needed(plain: Plain, monkeypatch: pytest.MonkeyPatch):
    assert plain.configured
    assert not Plain().configured
    monkeypatch.setattr(Plain, "needs_key", False)
    assert Plain().configured


def test_its_name_in_a_log_says_where_and_never_the_key():
    assert repr(Plain(api_key="sk_secret", base_url="https://user:pw@plain.example/x?k=1")).endswith("plain.example>")
    assert "sk_secret" not in repr(Plain(api_key="sk_secret"))


def test_several_webhook_secrets_are_separated_by_commas():
    assert Plain(webhook_secret=" a, b,,").webhook_secrets == ("a", "b")


def test_without_code_of_its_own_it_has_no_webhooks_and_no_balance(plain: Plain):
    with pytest.raises(BadSignature):
        plain.ring({}, b"{}")
    assert plain.balance() == ()
    with pytest.raises(Unreadable):
        plain.read_balance(reply_with({}))


# Reading


@pytest.mark.parametrize(
    "error",
    [AttributeError(), IndexError(), KeyError("id"), TypeError(), ValueError(), OverflowError(), ZeroDivisionError()],
)
def test_a_surprise_in_parse_is_an_unreadable_answer(plain: Plain, monkeypatch: pytest.MonkeyPatch, error: Exception):
    monkeypatch.setattr(Reply, "document", lambda self: {"raise": error})
    with pytest.raises(Unreadable) as caught:
        plain.read(Reply(status=200))
    assert caught.value.__cause__ is error


def test_a_bug_of_ours_is_not_taken_for_an_unreadable_answer(plain: Plain, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Reply, "document", lambda self: {"raise": RuntimeError("bug")})
    with pytest.raises(RuntimeError):
        plain.read(Reply(status=200))


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_2xx_is_read(plain: Plain, status: int):
    assert plain.read(reply_with({"id": "a.b_c:d-e"}, status)).remote_id == "a.b_c:d-e"


@pytest.mark.parametrize("remote_id", ["", "a", "-a", "task_1", "n47xxxx_imagen4", "a..b", "x" * 255])
def test_a_possible_id_is_taken(plain: Plain, remote_id: str):
    assert plain.read(reply_with({"id": remote_id})).remote_id == remote_id


@pytest.mark.parametrize("remote_id", ["a/b", "a b", "a\n", "a\x00", "é", ".", "..", ".a", "x" * 256, 7, ["a"]])
def test_an_impossible_id_is_unreadable(plain: Plain, remote_id: Any):
    with pytest.raises(Unreadable):
        plain.read(reply_with({"id": remote_id}))


def test_the_words_of_a_failure_and_the_name_of_a_model_are_cleaned(plain: Plain):
    snapshot = plain.read(reply_with({"id": "a", "failure": "\x1b[31mno\x00", "model": "\ud800m" * 200}))
    assert snapshot.failure == Failure(code="provider_failed", message="no")
    assert snapshot.model == "m" * 100


@pytest.mark.parametrize("word", ["done", "Done", "DONE"])
def test_words_are_matched_in_any_case(plain: Plain, word: str):
    assert plain.state(word) is State.DONE


def test_an_unknown_word_means_not_finished(plain: Plain):
    assert plain.state("whatever") is State.PENDING


# Refusals


@pytest.mark.parametrize(
    ("status", "message", "kind", "code"),
    [
        (400, "bad ratio", Declined, "provider_rejected"),
        (400, "Content is filtered due to unknown reasons", Declined, "content_filtered"),
        (400, "Insufficient credits", Declined, "provider_insufficient_credits"),
        (401, "who are you", Declined, "provider_auth"),
        (402, "pay", Declined, "provider_insufficient_credits"),
        (403, "suspended", Declined, "provider_auth"),
        (403, "insufficient_balance", Declined, "provider_insufficient_credits"),
        (404, "no such model", NotFound, "model_retired"),
        (410, "gone", NotFound, "model_retired"),
        (422, "unprocessable", Declined, "provider_rejected"),
        (429, "slow down", Busy, "provider_rate_limited"),
        (408, "timeout", Unclear, "provider_protocol_error"),
        (409, "conflict", Unclear, "provider_protocol_error"),
        (499, "you left", Unclear, "provider_protocol_error"),
        (302, "elsewhere", Unclear, "provider_protocol_error"),
        (100, "go on", Unclear, "provider_protocol_error"),
        (500, "oops", Unclear, "provider_unavailable"),
        (504, "timeout", Unclear, "provider_unavailable"),
    ],
)
def test_a_status_becomes_the_error_that_says_what_to_do(
    plain: Plain, status: int, message: str, kind: type[ProviderError], code: str
):
    error = refused(plain, status, message)
    assert (type(error), error.code) == (kind, code)


@pytest.mark.parametrize(
    ("status", "kind"), [(429, Busy), (401, Declined), (404, NotFound), (500, Unclear), (200, Unclear), (408, Unclear)]
)
def test_a_status_inside_the_answer_is_judged_alike(plain: Plain, status: int, kind: type[ProviderError]):
    assert type(plain.refusal(status, "no")) is kind


def test_a_refusal_that_is_not_json_is_unreadable(plain: Plain):
    with pytest.raises(Unreadable):
        plain.read(Reply(status=400, body=b"<html>"))


def test_too_many_requests_needs_no_body(plain: Plain):
    with pytest.raises(Busy):
        plain.read(Reply(status=429, body=b"<html>"))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("100000", 900.0),
        ("inf", 900.0),
        ("nan", None),
        ("", None),
        ("Fri, 20 Nov 2026 09:00:00 GMT", None),
    ],
)
def test_retry_after_is_honoured_up_to_a_quarter_of_an_hour(plain: Plain, header: str, seconds: float | None):
    with pytest.raises(Busy) as caught:
        plain.read(Reply(status=429, headers={"retry-after": header}))
    assert caught.value.retry_after == seconds


def test_without_retry_after_the_wait_is_unsaid(plain: Plain):
    with pytest.raises(Busy) as caught:
        plain.read(Reply(status=429))
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("document", "words"),
    [({"message": "a", "error": "b"}, "a"), ({"error": "b"}, "b"), ({"error": {"x": 1}}, "{'x': 1}"), ({}, "")],
)
def test_the_providers_own_words_are_found(plain: Plain, document: dict[str, Any], words: str):
    assert plain.message(document) == words


@pytest.mark.parametrize(
    "message",
    [
        "Content is filtered due to unknown reasons",
        "Content flagged as potentially sensitive. Please try different prompts or images.",
        "blocked by moderation",
        "SAFETY",
        "violates our content policy",
    ],
)
def test_the_filter_is_recognised_by_its_words(plain: Plain, message: str):
    assert plain.failure(message, "provider_rejected").code == "content_filtered"


def test_any_other_failure_keeps_its_code(plain: Plain):
    assert plain.failure("out of memory").code == "provider_failed"
    assert plain.failure("bad ratio", "provider_rejected") == Failure(code="provider_rejected", message="bad ratio")


# Cleaning


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain words", "plain words"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b31mred", "31mred"),
        ("nul\x00 bell\x07 del\x7f", "nul bell del"),
        ("half \ud83d a pair", "half  a pair"),
        ("the key sk_secret is bad", "the key *** is bad"),
        ("the key sk_\x00secret is bad", "the key *** is bad"),
        ("é 漢 🙂", "é 漢 🙂"),
    ],
)
def test_text_is_fit_to_keep_and_show(plain: Plain, text: str, clean: str):
    assert plain.clean(text) == clean


def test_text_is_cut_at_five_hundred_characters(plain: Plain):
    assert plain.clean("x" * 1_000_000) == "x" * 500
    assert Plain().clean("x" * 1_000_000) == "x" * 500


def test_a_reply_is_quoted_without_our_secrets_or_control_characters():
    plain = Plain(api_key="sk_secret", webhook_secret="whsec_one,whsec_two")
    said = b"sk_secret whsec_one whsec_two https://here/hooks/7/ \x1b[31mred\x00 \xff" + b"x" * 10_000
    quoted = plain.quote(Reply(status=200, body=said), "https://here/hooks/7/")
    assert quoted.startswith("HTTP 200\n*** *** *** *** red \ufffdxxx")
    assert len(quoted) == len("HTTP 200\n") + 2000


def test_a_word_nobody_knows_is_logged_once_a_gateway(plain: Plain, caplog: pytest.LogCaptureFixture):
    base._puzzled.cache_clear()
    for _ in range(3):
        assert plain.state("dreaming\x1b[31m") is State.PENDING
    assert [record.getMessage() for record in caplog.records] == [
        "a provider says 'dreaming' of a job, which we do not know"
    ]


@pytest.mark.parametrize("padding", range(4985, 5001))
def test_a_cut_through_the_key_shows_no_part_of_it(plain: Plain, padding: int):
    assert "sk_" not in plain.clean("\x00" * padding + "sk_secret")


# Lists, prices and balances


class Richer(Plain):
    """A vendor that answers every optional question with what the document holds."""

    def parse_found(self, document: dict[str, Any]) -> Found:
        return Found(traces=readable(document["jobs"], _trace), more="2")

    def parse_balance(self, document: dict[str, Any]) -> str:
        return str(document["balance"])

    def parse_catalogue(self, document: dict[str, Any]) -> tuple[Offer, ...]:
        return (Offer(model="plain", id=document["id"]),)

    def parse_price(self, document: dict[str, Any]) -> Price:
        return Price.of(document["price"])


def _trace(item: Any) -> Trace:
    return Trace(remote_id=item["id"], model="plain", made_at=moment(item["at"]))


READERS = ("read_found", "read_balance", "read_catalogue", "read_price")
AT = "2026-11-20T10:00:00Z"


def test_a_vendor_that_does_not_know_a_question_has_no_answer_to_read(plain: Plain):
    for reader in READERS:
        with pytest.raises(Unreadable):
            getattr(plain, reader)(reply_with({}))


@pytest.mark.parametrize("reader", READERS)
def test_a_surprise_in_any_answer_is_an_unreadable_answer(reader: str):
    with pytest.raises(Unreadable):
        getattr(Richer(), reader)(reply_with({}))


@pytest.mark.parametrize("reader", READERS)
def test_a_refusal_is_told_apart_from_an_answer(reader: str):
    with pytest.raises(Declined) as caught:
        getattr(Richer(), reader)(reply_with({"message": "who are you"}, 401))
    assert caught.value.code == "provider_auth"


def test_a_balance_is_fit_to_show():
    assert Richer().read_balance(reply_with({"balance": "\x1b[31m7\x00 credits"})) == "7 credits"


def test_a_listed_job_whose_id_cannot_be_one_is_left_out():
    jobs = [{"id": odd, "at": AT} for odd in ("a", "../a", "", 7, None, ["a"], "x" * 256)]
    assert [trace.remote_id for trace in Richer().read_found(reply_with({"jobs": jobs})).traces] == ["a"]


@pytest.mark.parametrize("more", ["\x00", "\ud800", "a\nb"])
def test_a_list_whose_next_page_cannot_be_asked_for_is_unreadable(monkeypatch: pytest.MonkeyPatch, more: str):
    monkeypatch.setattr(Richer, "parse_found", lambda self, document: Found(more=more))
    with pytest.raises(Unreadable):
        Richer().read_found(reply_with({}))


def test_rows_that_cannot_be_read_are_left_out():
    assert readable([{"id": "a", "at": AT}, {"id": "b"}, None, 7], _trace) == (_trace({"id": "a", "at": AT}),)


@pytest.mark.parametrize("rows", [None, {}, "rows", 7])
def test_what_is_no_list_cannot_be_read_at_all(rows: Any):
    with pytest.raises(Unreadable):
        readable(rows, _trace)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2026-11-20T10:00:00.239112031Z", 239112),
        ("2026-11-20T10:00:00.239Z", 239000),
        ("2026-11-20T10:00:00Z", 0),
        ("2026-11-20T11:00:00+01:00", 0),
        ("2026-11-20T10:00:00", 0),
    ],
)
def test_a_time_is_read_in_every_usual_way(text: str, micros: int):
    assert moment(text) == datetime(2026, 11, 20, 10, 0, 0, micros, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [(AT, "2026-11-20T10:00:02.5Z", 2.5), (AT, AT, None), (AT, "2026-11-20T09:00:00Z", None), (None, AT, None)],
)
def test_seconds_lie_between_two_times_in_order(start: Any, end: Any, seconds: float | None):
    assert between(start, end) == seconds


@pytest.mark.parametrize(
    ("document", "found"),
    [({"a": 1, "b": 2}, 1), ({"a": None, "b": 2}, 2), ({"a": "", "b": 0}, 0), ({"a": []}, []), ({}, None)],
)
def test_the_first_name_that_says_anything_counts(document: dict[str, Any], found: Any):
    assert first(document, "a", "b") == found


# Deliveries


def test_a_delivery_names_its_job(plain: Plain):
    assert plain.named(b'{"id": "task_1"}') == "task_1"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"null", b"\xff", b'{"id": 7}', b'{"id": ""}', b'{"id": ".."}', b'{"id":' + b"[" * 100_000],
)
def test_a_delivery_about_nothing_is_refused(plain: Plain, body: bytes):
    with pytest.raises(BadSignature):
        plain.named(body)


def test_a_delivery_that_is_a_refusal_is_about_nothing(monkeypatch: pytest.MonkeyPatch, plain: Plain):
    def about(self: Plain, delivery: Any) -> Any:
        raise self.refusal(404, "gone")

    monkeypatch.setattr(Plain, "about", about)
    with pytest.raises(BadSignature):
        plain.named(b"{}")


def test_no_id_can_climb_out_of_a_path():
    assert not any(REMOTE_ID.fullmatch(text) for text in (".", "..", "...", "../a"))


def test_words_nobody_knows_are_remembered_as_far_as_they_are_words_and_not_without_end():
    plain = Plain(api_key="sk_secret")
    for word in ("thawing", "thawing", "a prompt", "sk_secret", "x" * 31, "https://signed.example/?key=1"):
        plain.state(word)
    assert plain.puzzles == {"thawing", "?"}
    for number in range(100):
        plain.state(f"step-{number}")
    assert len(plain.puzzles) == 20


def test_what_a_webhook_claims_counts_only_where_the_body_is_signed(plain: Plain):
    class Signing(Plain):
        signed = True

    body = b'{"id": "a", "status": "DONE"}'
    assert (plain.claimed(body), Signing().claimed(body)) == (None, State.DONE)
    assert Signing().claimed(b'{"id": "a", "status": "thawing"}') is None
    assert Signing().puzzles == set()

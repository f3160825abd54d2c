"""How often somebody may ask: by person and scope, by address for those who are turned away, closed for spending."""

from __future__ import annotations

from itertools import count

import pytest

from imagen import pipeline
from imagen.api import throttles
from imagen.models import Generation
from tests import factories
from tests.api.conftest import ROOT, Api
from tests.api.counted import told, untold

pytestmark = pytest.mark.usefixtures("noon")  # no window ends by itself


def test_a_person_may_ask_so_often_and_is_then_told_when_to_come_again(ann, limit, problem, noon):
    limit(generate="2/min")
    noon["now"] += 12.5
    first, second, third = (ann.post("generations/", {"prompt": "x"}) for _ in range(3))
    assert [first.status_code, second.status_code] == [202, 202]
    assert [told(each) for each in (first, second, third)] == [(2, 1, 48), (2, 0, 48), (2, 0, 48)]
    assert problem(third, 429, "throttled")["next_actions"] == ["wait"]
    assert third.headers["Retry-After"] == "48"
    assert Generation.objects.count() == 2
    noon["now"] += int(third.headers["Retry-After"])
    again = ann.post("generations/", {"prompt": "x"})
    assert (again.status_code, told(again)) == (202, (2, 1, 60))


def test_just_before_a_window_ends_nobody_is_told_to_wait_for_nothing(ann, limit, noon):
    limit(read="1/min")
    noon["now"] += 59.999
    ann.get("models/")
    late = ann.get("models/")
    assert (late.status_code, late.headers["Retry-After"], told(late)) == (429, "1", (1, 0, 1))


def test_everybody_is_counted_alone_wherever_they_come_from(ann, bob, limit):
    limit(read="2/day")
    for address in ("192.0.2.1", "192.0.2.2"):
        assert ann.get("models/", REMOTE_ADDR=address).status_code == 200
    assert ann.get("models/", REMOTE_ADDR="192.0.2.3").status_code == 429
    assert bob.get("models/", REMOTE_ADDR="192.0.2.1").status_code == 200


def test_a_person_is_the_same_with_a_token_and_with_a_session(ann, limit):
    limit(read="1/day")
    browser = Api()
    browser.client.force_login(ann.user)
    assert browser.get("models/").status_code == 200
    assert ann.get("models/").status_code == 429


@pytest.mark.parametrize("proxies", [None, 0, 1])
def test_whoever_makes_up_addresses_gains_nothing(ann, limit, settings, proxies):
    settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}
    limit(read="5/day", anonymous="5/day")
    number = count()

    def forged():
        return {"HTTP_X_FORWARDED_FOR": f"198.51.100.{next(number)}, 192.0.2.9"}

    known = [ann.get("models/", **forged()).status_code for _ in range(50)]
    unknown = [Api().get("models/", **forged()).status_code for _ in range(50)]
    assert [known.count(200), known.count(429)] == [5, 45]
    assert [unknown.count(401), unknown.count(429)] == [5, 45]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer", "address"),
    [
        (None, "198.51.100.1", "192.0.2.1", "192.0.2.1"),
        (0, "198.51.100.1", "192.0.2.1", "192.0.2.1"),
        (1, "6.6.6.6, 198.51.100.1", "192.0.2.1", "198.51.100.1"),
        (2, "6.6.6.6, 198.51.100.1, 192.0.2.8", "192.0.2.1", "198.51.100.1"),
        (3, "198.51.100.1", "192.0.2.1", "198.51.100.1"),
        (1, "", "192.0.2.1", "192.0.2.1"),
        (1, "6.6.6.6,", "192.0.2.1", "192.0.2.1"),
        (0, "", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (0, "", "::ffff:192.0.2.1", "192.0.2.1"),
        (1, "198.51.100.1:5000", "192.0.2.1", "198.51.100.1:5000"),
        (0, "", "", ""),
    ],
)
def test_an_address_is_what_the_sites_own_proxies_saw(rf, settings, proxies, forwarded, peer, address):
    settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}
    assert throttles.address(rf.get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)) == address


def test_whoever_guesses_tokens_is_slowed_down_and_nobody_else(ann, limit, problem):
    limit(anonymous="3/day")
    guesser = Api()
    guesses = [guesser.get("models/", headers={"Authorization": f"Token {number:040}"}) for number in range(4)]
    assert [each.status_code for each in guesses] == [401, 401, 401, 429]
    assert [told(each)[:2] for each in guesses] == [(3, 2), (3, 1), (3, 0), (3, 0)]
    assert problem(guesses[-1], 429, "throttled")
    assert int(guesses[-1].headers["Retry-After"]) == told(guesses[-1])[2]
    assert "WWW-Authenticate" not in guesses[-1].headers
    assert guesses[0].headers["WWW-Authenticate"] == 'Bearer realm="imagen"'
    assert Api().get("models/").status_code == 429
    assert Api().get("models/", REMOTE_ADDR="192.0.2.7").status_code == 401
    assert ann.get("models/").status_code == 200


def test_each_scope_has_a_count_of_its_own(ann, limit):
    limit(generate="10/day", read="20/day", manage="30/day", anonymous="40/day")
    made = pipeline.request(user=ann.user, prompt="x", provider="sandbox")
    over = factories.completed(ann.user)
    picture = over.images.first().pk
    failed = factories.generation(ann.user, status="failed", error_code="provider_failed")
    calls = {
        "generate": [
            ann.post("generations/", {"prompt": "x"}),
            ann.post(f"generations/{failed.pk}/retry/"),
        ],
        "read": [
            *(ann.get(path) for path in ("generations/", f"generations/{made.pk}/", "images/", f"images/{picture}/")),
            *(ann.get(path) for path in ("models/", "usage/")),
            ann.client.head(f"{ROOT}models/"),
            ann.post("quotes/", {"prompt": "x"}),
        ],
        "manage": [
            ann.post(f"generations/{made.pk}/cancel/"),
            ann.patch(f"images/{picture}/", {"title": "A"}),
            ann.delete(f"images/{picture}/"),
            ann.delete(f"generations/{over.pk}/"),
        ],
    }
    limits = {"generate": 10, "read": 20, "manage": 30}
    for scope, answers in calls.items():
        assert all(each.status_code < 300 for each in answers), [each.content for each in answers]
        assert [told(each)[:2] for each in answers] == [
            (limits[scope], limits[scope] - number) for number in range(1, len(answers) + 1)
        ]


def test_every_answer_says_what_is_left_whatever_it_is(ann, limit):
    limit(read="9/day", generate="9/day", manage="9/day")
    made = pipeline.request(user=ann.user, prompt="x", provider="sandbox")
    reader = Api(factories.person("reader"))
    etag = ann.get(f"generations/{made.pk}/").headers["ETag"]
    answers = {
        304: ann.get(f"generations/{made.pk}/", headers={"If-None-Match": etag}),
        400: ann.post("generations/", {"prompt": ""}),
        403: reader.post("generations/", {"prompt": "x"}),
        404: ann.get(f"images/{made.pk}/"),
        405: ann.send("put", "models/", {}),
        409: ann.post(f"generations/{made.pk}/retry/"),
    }
    assert {status: each.status_code for status, each in answers.items()} == {status: status for status in answers}
    assert not any(untold(each) for each in answers.values())


def test_whoever_may_not_ask_may_not_ask_for_ever_either(limit, db):
    limit(generate="1/day")
    reader = Api(factories.person("reader"))
    assert [reader.post("generations/", {"prompt": "x"}).status_code for _ in range(2)] == [403, 429]


def test_an_answer_that_is_replayed_counts_like_any_other(ann, limit):
    limit(generate="2/day")
    first, again, third = (ann.post("generations/", {"prompt": "x"}, Idempotency_Key="once") for _ in range(3))
    assert (first.status_code, again.status_code, third.status_code) == (202, 202, 429)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert told(again)[1] == 0


@pytest.mark.parametrize("rates", [{}, {"read": None}])
def test_what_is_switched_off_is_neither_counted_nor_told(ann, limit, rates):
    limit(**rates)
    assert untold(ann.get("models/"))


def test_pictures_and_the_pages_about_the_interface_are_not_counted(ann, limit):
    limit(read="1/day")
    assert [untold(ann.get(path)) for path in ("schema/", "docs/", "docs/docs.js", "nowhere/")] == [True] * 4
    made = factories.completed(ann.user)
    picture = ann.get(f"/imagen/images/{made.images.first().pk}/")
    assert (picture.status_code, untold(picture), b"".join(picture.streaming_content)[:4]) == (200, True, b"\x89PNG")
    assert ann.get("models/").status_code == 200


def test_the_defaults_let_a_thousand_requests_pass(settings):
    from imagen.conf import settings as ours  # noqa: PLC0415

    per_minute = {scope: ours.rate(scope).limit * 60 // ours.rate(scope).seconds for scope in ("generate", "manage")}
    assert min(per_minute.values()) >= 1000
    assert ours.rate("read").limit >= 5 * ours.rate("generate").limit

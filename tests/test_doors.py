"""Doors and picks: what one person may bring back within a day, and nobody else."""

from types import SimpleNamespace

import pytest
from django.core import signing

from imagen import doors
from imagen.doors import Door, Pick
from imagen.exceptions import BadSignature, Expired

ANNA, BEN = SimpleNamespace(pk=3), SimpleNamespace(pk=4)
WORDS = {"text_box": (0, 60, 50, 40), "text_colour": "#fc0"}
DOOR = Door(place="news.story.hero", ratio="16:9", crops=("1:1", "4:3"), alt=True, **WORDS)
PICK = Pick(image="8c0d", place="news.story.hero", meaning="informative", alt_text="A cat", focal=(20, 80), crop="16:9")


@pytest.mark.parametrize("value", [DOOR, PICK])
def test_it_comes_back_as_it_went(value):
    assert type(value).read(value.sign(ANNA), ANNA) == value


@pytest.mark.parametrize("text", ["", "x", DOOR.sign(ANNA)[:-1], f"{DOOR.sign(ANNA)}x", PICK.sign(ANNA)])
def test_what_is_forged_or_of_another_kind_is_refused(text):
    with pytest.raises(BadSignature, match="forged"):
        Door.read(text, ANNA)


def test_a_door_that_an_older_release_signed_has_no_words_on_its_picture():
    said = {"place": "news.story.hero", "place_id": "", "ratio": "16:9", "crops": [], "alt": True, "target": "file"}
    text = signing.dumps({"user": "3", **said}, salt="imagen.doors.Door", compress=True)
    assert Door.read(text, ANNA) == Door(place="news.story.hero", ratio="16:9", alt=True)
    assert Door.read(text, ANNA).text_box == ()


def test_it_is_worth_nothing_to_somebody_else():
    with pytest.raises(BadSignature, match="somebody else"):
        Pick.read(PICK.sign(ANNA), BEN)


def test_it_expires(monkeypatch):
    text = PICK.sign(ANNA)
    monkeypatch.setattr(doors, "LIFETIME", -1)
    with pytest.raises(BadSignature, match="more than a day old"):
        Pick.read(text, ANNA)


def test_a_door_however_old_is_signed_again_for_the_person_it_was_signed_for(monkeypatch):
    monkeypatch.setattr("django.core.signing.time.time", lambda: 0.0)
    text = DOOR.sign(ANNA)
    monkeypatch.undo()
    with pytest.raises(Expired):
        Door.read(text, ANNA)
    assert Door.read(Door.renew(text, ANNA), ANNA) == DOOR
    for whose, user in ((text, BEN), (f"{text}x", ANNA), (PICK.sign(ANNA), ANNA), ("", ANNA)):
        with pytest.raises(BadSignature):
            Door.renew(whose, user)


def test_a_new_secret_key_still_reads_what_the_old_one_signed(settings):
    text = DOOR.sign(ANNA)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-of-fifty-characters-that-signs-the-rest"
    assert Door.read(text, ANNA) == DOOR


@pytest.mark.parametrize("said", [{"image": "8c0d"}, {"place": "x", "image": "8c0d", "meaning": "x", "colour": "red"}])
def test_what_another_release_signed_has_to_be_chosen_again(said):
    text = signing.dumps({"user": "3", **said}, salt="imagen.doors.Pick", compress=True)
    with pytest.raises(Expired):
        Pick.read(text, ANNA)

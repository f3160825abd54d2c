"""A newsroom in the middle of its work, and every state its Studio can be in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from imagen import placing
from imagen.doors import Door
from imagen.models import Budget, Generation, HouseRule, Image, Job, Scope, Style, Template, Tempo, Worker
from imagen.painting import size_of
from project import house
from project.articles import samples
from project.articles.models import Article
from tests import factories
from tests.browser.conftest import EDITOR
from tests.browser.scenery import DUNES, painted
from tests.project.conftest import WRITER

PLACE = "articles.article.hero"
STUDIO = reverse("admin:imagen_studio_changelist")
OWN = "The open sea at dusk, seen from a lighthouse, violet sky, light on the water"
LONG = "Wide dunes at noon under a pale sky, marram grass in the wind, a single path that leads to the sea. " * 48
SERVICES = {
    "wavespeed": {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "test"}},
    "apiframe": {"BACKEND": "imagen.providers.apiframe.Apiframe", "OPTIONS": {"api_key": "test"}},
}
RULES = (
    ("No text in the picture", "No text, no lettering and no logos in the picture.", False),
    ("No recognisable people", "No recognisable real people.", True),
)
MINE = Template(name="My seasons", text="{season} light over {place}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Who works here, and the article they are at."""

    editor: User
    article: Article

    @property
    def form(self) -> str:
        """The article's own form."""
        return reverse("admin:articles_article_change", args=[self.article.pk])

    def studio(self, run: Generation | None = None, *, door: bool = True, popup: bool = True, **facts: Any) -> str:
        """The Studio as this field opens it, at this request."""
        known = {"place": PLACE, "place_id": str(self.article.pk), "ratio": "16:9", "crops": ("1:1",), "alt": True}
        query = [f"door={Door(**{**known, **facts}).sign(self.editor)}"] if door else []
        query += [f"run={run.pk}"] if run else []
        query += ["_popup=1"] if popup else []
        return f"{STUDIO}?{'&'.join(query)}"

    def request(self, **fields: Any) -> Generation:
        """A request for the article's picture."""
        known = {"prompt": f"{OWN}. {RULES[0][1]}", "wording": {"own": OWN, "parts": []}, "place": PLACE}
        where = {"place_id": str(self.article.pk), "provider": "wavespeed", "aspect_ratio": "16:9", "num_images": 2}
        said = {**known, **where, "model": "imagen-4", **fields}
        said.setdefault("cost_estimated", Decimal("0.038") * said["num_images"])
        return factories.generation(said.pop("user", self.editor), **said)

    def made(self, count: int = 2, *, scene: str = OWN, **fields: Any) -> Generation:
        """The same with its pictures."""
        cost = Decimal("0.038") * count
        done = {"status": "completed", "num_images": count, "pictures": True, "cost_actual": cost}
        row = self.request(**{**done, **fields})
        for number in range(count):
            paint(row, f"{scene} {number}")
        return row


def open_room(editor: User | None = None) -> Room:
    """The magazine with its styles and templates, a worker that is alive, and an editor with five dollars a month."""
    user = editor or factories.person("anna", *EDITOR, "view_style", "add_style", "add_template", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=WRITER))
    user = User.objects.get(pk=user.pk)
    _open(user)
    articles = [_publish(story, user) for story in samples.stories()[:4]]
    return Room(editor=user, article=articles[0])


def _open(user: User) -> None:
    HouseRule.objects.all().delete()
    for position, (name, words, locked) in enumerate(RULES):
        HouseRule.objects.create(name=name, words=words, locked=locked, position=position)
    for look in house.LOOKS:
        example = paint(factories.generation(None, status="completed", pictures=True), look.story)
        Style.objects.create(name=look.name, words=look.words, avoid=look.avoid, example=example)
    for name, text, style in house.TEMPLATES:
        Template.objects.create(name=name, text=text, style=Style.objects.get(name=style))
    Template.objects.create(name=MINE.name, text=MINE.text, owner=user, position=9)
    Budget.objects.create(scope=Scope.EACH, limit=Decimal(5))
    Worker.objects.create(name="host-1", started_at=timezone.now(), beat_at=timezone.now())
    Tempo.objects.create(provider="wavespeed", provider_model="google/imagen4", mean=11.0, deviation=3.0)


def _publish(story: samples.Story, user: User) -> Article:
    words = {name: getattr(story, name) for name in ("slug", "title", "section", "byline", "summary", "body")}
    article = Article(**words, hero_alt=story.alt, published=True)
    article.illustrate(ContentFile(painted(story.slug, (1024, 576)), name=f"{story.slug}.png"))
    article.save()
    image = paint(factories.generation(user, prompt=story.prompt, status="completed", pictures=True), story.slug)
    placing.record(article, "hero", image=image, user=user, pick=None, alt=story.alt)
    return article


def paint(row: Generation, scene: str, *, ratio: str = "", **fields: Any) -> Image:
    """A landscape for this request."""
    width, height = size_of(ratio or row.aspect_ratio, "1k")
    content = painted(scene, (width // 2, height // 2))
    return factories.image(row, content=content, **{"width": width, "height": height, **fields})


# --- the states of a request, by the name of their photograph


def _long(room: Room) -> Generation:
    row = room.request(status="processing")
    Job.objects.filter(generation=row).update(
        accepted_at=timezone.now() - timedelta(seconds=28), created_at=timezone.now() - timedelta(seconds=30)
    )
    return row


def _silent(room: Room) -> Generation:
    Worker.objects.update(beat_at=timezone.now() - timedelta(minutes=3))
    row = room.request()
    long_ago = timezone.now() - timedelta(minutes=3)
    Generation.objects.filter(pk=row.pk).update(created_at=long_ago)
    Job.objects.filter(generation=row).update(created_at=long_ago)
    return row


def _behind(room: Room) -> Generation:
    for each in (1, 2):
        room.request(user=factories.person(f"colleague-{each}"), place="", place_id="")
    return room.request()


def _held(room: Room) -> Generation:
    row = room.made(2)
    row.images.filter(index=1).update(review="held")
    return row


def _partial(room: Room) -> Generation:
    row = room.made(3, status="partial", error_code="partial_outputs", cost_actual=Decimal("0.114"))
    Generation.objects.filter(pk=row.pk).update(num_images=4)
    Job.objects.filter(generation=row).update(slots=[0, 1, 2, 3], error_code="partial_outputs")
    return row


def _failed(room: Room, code: str, **fields: Any) -> Generation:
    return room.request(status="failed", error_code=code, **fields)


def _wrong(room: Room) -> Generation:
    row = room.request(status="completed", pictures=True, num_images=1, warnings=["wrong_size"])
    paint(row, DUNES, ratio="4:3")
    return row


def _portraits(room: Room) -> Generation:
    return room.made(4, aspect_ratio="9:16")


def _discarded(room: Room) -> Generation:
    row = room.made(4)
    row.images.filter(index=1).update(discarded_at=timezone.now())
    return row


def _stored_badly(room: Room) -> Generation:
    return factories.kept(room.editor, **_kept(room))


def _kept(room: Room) -> dict[str, Any]:
    return {"prompt": OWN, "place": PLACE, "place_id": str(room.article.pk), "aspect_ratio": "16:9"}


def _wordy(room: Room) -> Generation:
    return room.made(2, prompt=LONG[:5000], wording={"own": LONG[:4900], "parts": []})


STATES: Mapping[str, Callable[[Room], Generation]] = {
    "queued": _behind,
    "making": lambda room: room.request(status="processing"),
    "long-wait": _long,
    "silent": _silent,
    "one": lambda room: room.made(1),
    "two": lambda room: room.made(2),
    "four": lambda room: room.made(4),
    "portraits": _portraits,
    "panorama": lambda room: room.made(2, aspect_ratio="21:9", model="nano-banana-2.1"),
    "square": lambda room: room.made(2, aspect_ratio="1:1"),
    "discarded": _discarded,
    "held": _held,
    "partial": _partial,
    "declined": lambda room: _failed(room, "content_filtered", error_note="Blocked by policy"),
    "down": lambda room: _failed(room, "provider_unavailable"),
    "busy": lambda room: _failed(room, "provider_rate_limited"),
    "retired": lambda room: _failed(room, "model_retired"),
    "not-saved": _stored_badly,
    "unconfirmed": lambda room: room.request(status="unconfirmed", error_code="submit_unknown"),
    "wrong-shape": _wrong,
    "wordy": _wordy,
}

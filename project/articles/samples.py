"""The first issue: sample stories, each with a picture that the sandbox makes like any other."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from imagen import pipeline, placing
from imagen.doors import Pick
from imagen.models import Generation, Image, Meaning
from project.articles.models import Article

FILE = Path(__file__).with_name("samples.toml")
NO_CAPTION = "text, lettering"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One sample: its words, and how its picture is asked for."""

    slug: str
    title: str
    section: str
    byline: str
    summary: str
    prompt: str
    seed: int
    alt: str
    body: str

    def ask(self, user: User) -> Generation:
        """Ask the sandbox for the picture."""
        return pipeline.request(
            prompt=self.prompt,
            negative_prompt=NO_CAPTION,
            seed=self.seed,
            aspect_ratio="16:9",
            output_format="jpeg",
            provider="sandbox",
            user=user,
        )


def stories() -> list[Story]:
    """The samples, newest first."""
    return [Story(**facts) for facts in tomllib.loads(FILE.read_text(encoding="utf-8"))["story"]]


def ask(user: User) -> dict[str, Generation]:
    """Ask for every picture at once, by story; nothing when the magazine has articles already."""
    return {} if Article.objects.exists() else {story.slug: story.ask(user) for story in stories()}


@transaction.atomic
def publish(pictures: dict[str, Generation]) -> None:
    """Publish these stories with their finished pictures, one for each of the last days."""
    told = [story for story in stories() if story.slug in pictures]
    for days, story in enumerate(told):
        generation = pictures[story.slug]
        image = generation.images.get()
        pipeline.describe(image, title=story.title, alt_text=story.alt)
        article = Article(
            slug=story.slug,
            title=story.title,
            section=story.section,
            byline=story.byline,
            summary=story.summary,
            body=story.body.strip(),
            hero_alt=story.alt,
            published=True,
            published_at=timezone.now() - timedelta(days=days),
        )
        put(article, image, generation.user)


def put(article: Article, image: Image, user: Any) -> None:
    """Save the article with this picture as its hero, as somebody would have put it there."""
    pick = Pick(
        image=str(image.pk),
        place="articles.article.hero",
        meaning=Meaning.INFORMATIVE,
        alt_text=article.hero_alt,
        name=article.slug,
    )
    article.illustrate(placing.take(pick, user))
    article.save()
    placing.record(article, "hero", image=image, user=user, pick=pick, alt=article.hero_alt)

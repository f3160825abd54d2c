"""The magazine: articles as editors leave them, people of the newsroom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from imagen import placing
from imagen.doors import Pick
from imagen.models import Image
from project.articles.models import Article
from tests import factories

ARTICLES = ("view_article", "add_article", "change_article")
WRITER = (*ARTICLES, "view_figure", "add_figure", "change_figure", "delete_figure")
HERO = "articles.article.hero"
WORDS = {"title": "Low water", "slug": "low-water", "summary": "What the sea leaves.", "body": "First.\n\nSecond."}
ADD = reverse("admin:articles_article_add")
LIST = reverse("admin:articles_article_changelist")
IMAGES = reverse("admin:imagen_image_changelist")
ALT = "A pool between rocks, a crab in it"
NO_FIGURES = {"figures-TOTAL_FORMS": "0", "figures-INITIAL_FORMS": "0"}
DATE = {"published_at": "2026-11-20T08:00"}
SignIn = Callable[..., Client]


def article(image: Image | None = None, **fields: Any) -> Article:
    """A published article, with this picture on it."""
    made = Article(**{**WORDS, "published": True, **fields})
    if image is None:
        made.save()
        return made
    made.hero_alt = fields.get("hero_alt", "A pool between rocks")
    with image.file.open() as file:
        made.illustrate(ContentFile(file.read(), name=f"{made.slug}.png"))
    made.save()
    placing.record(made, "hero", image=image, user=None, pick=None, alt=made.hero_alt)
    return made


def chosen(image: Image, user: User, **said: Any) -> dict[str, str]:
    """What the form carries after this picture was chosen in the Studio."""
    known = {"image": str(image.pk), "place": HERO, "meaning": "informative", "alt_text": ALT, "name": "low-water"}
    return {"hero-imagen": Pick(**{**known, **said}).sign(user)}


def writer(name: str = "ann", *permissions: str, articles: tuple[str, ...] = WRITER, **fields: Any) -> User:
    """A member of staff with these permissions for articles, and more of imagen's."""
    user = factories.person(name, "view_image", "change_image", *permissions, is_staff=True, **fields)
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="articles", codename__in=articles))
    return User.objects.get(pk=user.pk)


def picture(user: User | None, *, prompt: str = "a lighthouse", **fields: Any) -> Image:
    """One finished picture of this person's."""
    return factories.image(factories.generation(user, status="completed", prompt=prompt), **fields)


def me(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])


def change(row: Article) -> str:
    return reverse("admin:articles_article_change", args=[row.pk])


def save(client: Client, address: str = ADD, **fields: Any) -> dict[str, list[str]]:
    """Send the form; the errors by field, none when it was saved."""
    answer = client.post(address, {**WORDS, **DATE, **NO_FIGURES, **fields})
    if answer.status_code == 302:
        return {}
    assert answer.status_code == 200
    return {name: list(said) for name, said in answer.context["adminform"].form.errors.items()}


def said(client: Client, address: str = LIST) -> list[str]:
    return [str(message) for message in client.get(address).context["messages"]]


def upload(data: bytes, name: str = "pool.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "image/png")


@pytest.fixture
def sign_in(db: None) -> Callable[..., Client]:
    """Sign a member of the newsroom in."""

    def signed(*args: Any, **fields: Any) -> Client:
        client = Client()
        client.force_login(writer(*args, **fields))
        return client

    return signed

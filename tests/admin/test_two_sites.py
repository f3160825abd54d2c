"""Two admin sites in one project: who works at one of them is never led to the other."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User

from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.factories import completed
from tests.project.conftest import WRITER

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.admin.two_sites")]
JSON = {"headers": {"Accept": "application/json"}}
LINKS = re.compile(r'(?:href|action|data-quote|data-url|data-state)="/(admin|desk)/imagen/studio')


@pytest.fixture
def ann(sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An editor who is admitted to the desk only."""
    monkeypatch.setattr(admin.site, "has_permission", lambda request: request.user.is_superuser)
    client = sign_in("ann", *EDITOR)
    User.objects.get().user_permissions.add(*Permission.objects.filter(codename__in=WRITER))
    return client


def test_the_desks_form_opens_the_desks_studio_which_stays_there(ann: Any) -> None:
    form = Page(ann.get("/desk/articles/article/add/").content.decode())
    door, *_more = (str(each["href"]) for each in form.all("a", **{"class": "button imagen-open"}))
    run = completed(User.objects.get(), images=1)
    html = ann.get(f"{door}&_popup=1&run={run.pk}").content.decode()
    assert set(LINKS.findall(html)) == {"desk"}
    quote = re.search('data-quote="([^"]*)"', html)
    assert quote
    assert ann.post(quote[1].replace("&amp;", "&"), {"prompt": "a kite"}, **JSON).status_code == 200


def test_news_come_to_the_desk_and_lead_to_the_desk(ann: Any) -> None:
    run = completed(User.objects.get(), unseen=True)
    html = ann.get("/desk/", headers={"Accept": "text/html"}).content.decode()
    assert "is ready." in html
    assert f'<a href="/desk/imagen/studio/?run={run.pk}">Show</a>' in html

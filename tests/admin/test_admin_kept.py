"""A picture that failed and is still kept: its page says until when, and fetching it is shown to be free."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from imagen.models import Job
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.admin.test_admin_actions import act, failed, me, messages
from tests.factories import kept, person

FREE = "The picture is paid for and still kept by WaveSpeedAI until"


def page(client, row):
    return client.get(reverse("admin:imagen_generation_change", args=[row.pk]))


def test_its_page_says_until_when_it_is_kept_and_offers_to_fetch_it(sign_in):
    client = sign_in("ann", *EDITOR)
    row = kept(me(client))
    told = Page(page(client, row).content.decode())
    until = timezone.localtime(row.jobs.get().accepted_at + timedelta(days=7))
    assert f"{FREE} " in told.text
    assert f"{until:%H:%M}. Fetch it again: free." in told.text
    assert "Fetch it again, free…" in told.text
    assert "Try again…" not in told.text
    assert "cost money again" not in told.text


def test_it_is_confirmed_in_plain_words_and_fetched_once(sign_in):
    client, mark = sign_in("ann", *EDITOR), str(uuid.uuid4())
    row = kept(me(client))
    told = Page(act(client, "retry", [row]).content.decode())
    assert "Nothing new is bought; what was paid for is fetched again:" in told.text
    assert FREE in told.text
    assert told.all("input", type="submit", value="Fetch it again · free")
    assert messages(act(client, "retry", [row], mark=mark)) == ["1 request is on its way."]
    assert messages(act(client, "retry", [row], mark=mark)) == ["This was already done; nothing was asked for twice."]
    assert (row.jobs.count(), row.events.filter(what="fetch asked").count()) == (1, 1)
    asked = Page(page(client, row).content.decode())
    assert "WaveSpeedAI is being asked for the picture once more; that is free." in asked.text
    assert "Fetch it again, free…" not in asked.text
    assert "Asked WaveSpeedAI for it once more, for free · ann" in asked.text


def test_while_it_is_asked_for_another_click_says_so(sign_in):
    client = sign_in("ann", *EDITOR)
    row = kept(me(client))
    act(client, "retry", [row], mark=str(uuid.uuid4()))
    again = act(client, "retry", [row], mark=str(uuid.uuid4()))
    assert "once more; that is free" in messages(again)[0]
    assert row.events.filter(what="fetch asked").count() == 1


def test_what_is_kept_and_what_has_to_be_bought_have_their_prices_on_one_page(sign_in):
    client = sign_in("ann", *EDITOR)
    rows = [kept(me(client)), failed(client)]
    told = Page(act(client, "retry", rows).content.decode())
    assert "cost money again" in told.text
    assert FREE in told.text
    assert told.all("input", type="submit", value="Try again · 0.038 USD")


def test_what_was_shown_as_free_is_not_bought_when_it_is_gone_meanwhile(sign_in):
    client = sign_in("ann", *EDITOR)
    row = kept(me(client))
    shown = Page(act(client, "retry", [row]).content.decode()).all("input", name="shown")[0]["value"]
    Job.objects.update(accepted_at=timezone.now() - timedelta(days=8))
    act(client, "retry", [row], mark=str(uuid.uuid4()), shown=shown)
    assert row.jobs.count() == 1


@pytest.mark.parametrize("other", [True, False])
def test_only_who_may_try_again_may_fetch(sign_in, other):
    client = sign_in("ann", "generate", "view_generation", "view_all")
    row = kept(person("bob") if other else me(client))
    assert ("Fetch it again, free…" in page(client, row).content.decode()) is not other

"""The log of webhooks in the admin: every failure in plain words with the next step, and nothing on it comes alive."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from imagen.models import Delivery, Endpoint
from tests.admin.pages import Page
from tests.admin.receivers import LIST, LOG, ann, deed, keys, mine, page, text
from tests.endpoints import delivery
from tests.factories import completed

__all__ = ["ann", "keys", "mine"]
EVIL = "\"'><img src=x onerror=alert(1)></script><script>alert(2)</script>%(code)s{{ 7|add:7 }}"


def test_a_failure_says_why_and_when_it_is_tried_again(ann, mine):
    due = timezone.localtime().replace(hour=23, minute=58, second=0)
    delivery(mine, generation=completed(mine.user), tries=2, last_code=500, last_error="answered", due_at=due)
    for address in (LOG, page(mine)):
        assert "The address answered 500. We try again at 23:58 (try 3 of 10)." in text(ann.get(address))


def test_what_was_given_up_is_sent_again_from_the_list(ann, mine):
    given_up = delivery(mine, status="failed", tries=10, last_error="timeout")
    arrived = delivery(mine, status="delivered")
    chosen = {"action": "redeliver", "_selected_action": [str(given_up.pk), str(arrived.pk)]}
    assert "2 are sent again now." in text(ann.post(LOG, chosen, follow=True))
    assert text(ann.post(LOG, chosen, follow=True)).count("There is nothing to do") == 2
    given_up.refresh_from_db()
    assert (given_up.status, given_up.tries) == ("waiting", 0)


def test_the_log_is_narrowed_by_status_event_endpoint_and_day(ann, mine):
    old = timezone.now() - timedelta(days=9)
    delivery(mine, webhook_id="msg_old", event="generation.failed", status="delivered", created_at=old)
    delivery(mine, webhook_id="msg_new")
    today = timezone.localdate().isoformat()
    for query, found in (
        ({"status": "delivered", "event": "generation.failed"}, "msg_old"),
        ({"endpoint": mine.pk, "status": "waiting"}, "msg_new"),
        ({"from": today, "event": "generation.completed"}, "msg_new"),
    ):
        shown = text(ann.get(LOG, query))
        assert found in shown
        assert {"msg_old": "msg_new", "msg_new": "msg_old"}[found] not in shown
    assert "msg_old" in text(ann.get(LOG, {"endpoint": "nonsense"}))


def test_the_log_is_never_edited(ann, sign_in, mine):
    row = delivery(mine)
    root = sign_in("root", is_superuser=True)
    assert root.get(reverse("admin:imagen_delivery_add")).status_code == 403
    for name in ("change", "delete"):
        assert root.post(reverse(f"admin:imagen_delivery_{name}", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert Delivery.objects.filter(pk=row.pk).exists()


def test_the_pages_stay_at_a_few_queries(ann, mine, django_assert_max_num_queries):
    for _ in range(20):
        delivery(mine)
    for address in (LIST, LOG, page(mine)):
        with django_assert_max_num_queries(12):
            assert ann.get(address).status_code == 200


@pytest.mark.by_hand("hostile words stand everywhere")
def test_markup_in_names_and_addresses_is_inert_everywhere(ann, mine):
    Endpoint.objects.filter(pk=mine.pk).update(name=EVIL[:100], url=f"javascript:{EVIL}")
    sent = delivery(
        mine, url=f"javascript:{EVIL}", event=EVIL[:40], status="failed", tries=1, last_error="answered", last_code=500
    )
    addresses = (LIST, LOG, page(mine), page(mine, "delete"), page(mine, "history"))
    shown = [ann.get(address) for address in addresses]
    shown += [ann.post(deed(mine, name), follow=True) for name in ("rotate", "test", "test", "disable", "disable")]
    shown += [
        ann.post(LIST, {"action": name, "_selected_action": str(mine.pk)}, follow=True)
        for name in ("enable", "delete_selected")
    ]
    shown += [ann.post(LOG, {"action": "redeliver", "_selected_action": str(sent.pk)}, follow=True)]
    for response in shown:
        assert response.status_code == 200
        found = Page(response.content.decode())
        assert not [each for _, each in found.elements if any(name.startswith("on") for name in each)]
        assert not [each for each in found.all("img") if each["src"] == "x"]
        assert not [each for each in found.all("a") if (each.get("href") or "").startswith("javascript:")]
        assert not [
            each for each in found.all("script") if not (each.get("src") or "").startswith(("/static/", "/admin/"))
        ]

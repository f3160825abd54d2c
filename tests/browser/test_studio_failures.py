"""What can go wrong with pictures, each as the sandbox does it: its sentence, its money, and a way on that works."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from imagen.models import Generation, Job
from tests.browser.newsroom import (
    ADD,
    PATIENT,
    STUDIO,
    ask,
    button,
    candidates,
    clean,
    column,
    enter,
    focused,
    ready,
    says,
    write,
)

pytestmark = [pytest.mark.browser, pytest.mark.story]

DECLINED = (
    "The service declined this description. It does not say why; wording about real people, children, violence or "
    "brands is a common cause."
)
FREE, GONE = "Nothing was charged.", "0.04 USD was spent; trying again costs money again."
KEPT = "0.04 USD was spent. Should Sandbox have made it meanwhile, it is kept until"
AGAIN, EDIT, FETCH = "Try again · 0.04 USD", "Edit prompt", "Fetch it again · free"
ENDS = (
    ("content_filtered", DECLINED, FREE, EDIT),
    ("provider_rejected", DECLINED, FREE, EDIT),
    ("provider_failed", "Sandbox could not make this picture.", GONE, AGAIN),
    ("provider_job_lost", "Sandbox no longer knows about this request.", KEPT, FETCH),
    ("provider_timeout", "No answer from Sandbox within the time we wait.", KEPT, FETCH),
    ("provider_protocol_error", "Sandbox answered in a way we do not understand.", KEPT, FETCH),
    ("output_invalid", "What Sandbox sent is not a picture we can use.", GONE, AGAIN),
    ("output_too_large", "The picture is larger than this site accepts.", GONE, AGAIN),
    ("egress_blocked", "The picture lies at an address this site does not fetch from.", GONE, AGAIN),
)


@pytest.mark.timeout(300)
def test_every_end_has_its_sentence_its_money_and_its_way_on(visit, cluster, writer):
    cluster()
    page = visit(STUDIO, writer)
    missing = []
    for code, *texts in ENDS:
        ask(page, f"a kite [[fail:{code}]]", count=1)
        expect(column(page).locator("[data-finished]")).to_have_count(1, timeout=PATIENT)
        page.wait_for_timeout(300)
        said = " ".join(column(page).inner_text().split())
        missing += [(code, text, said) for text in texts if text not in said]
        clean(page)
    assert not missing, "\n".join(map(str, missing))


def test_what_may_still_be_kept_is_fetched_for_nothing_and_only_then_bought_again(visit, cluster, writer):
    cluster()
    page = visit(STUDIO, writer)
    ask(page, "a kite [[fail:provider_timeout]]", count=1)
    says(page, KEPT)
    button(page, FETCH).click()
    says(page, "Sandbox is being asked for the picture once more; that is free.", AGAIN)
    assert Generation.objects.get().cost_actual == Decimal("0.04")
    button(page, AGAIN).click()
    _comes(page, Job.objects.all(), 2)
    says(page, "0.08 USD was spent.")


def test_a_declined_description_is_edited_where_it_stands(visit, cluster, writer):
    cluster()
    page = visit(STUDIO, writer)
    ask(page, "a kite [[fail:content_filtered]]", count=1)
    button(page, EDIT).click()
    words = page.get_by_label("Description")
    expect(words).to_be_focused()
    expect(words).to_have_value("a kite [[fail:content_filtered]]")
    ask(page, "a kite", count=1)
    ready(page, 1)
    parent, child = Generation.objects.order_by("created_at")
    assert (child.parent_id, parent.cost_actual, child.cost_actual) == (parent.pk, 0, Decimal("0.04"))


def test_of_four_three_come_and_the_last_is_made_for_the_price_of_one(visit, cluster, writer):
    cluster()
    page = visit(STUDIO, writer)
    ask(page, "a kite [[partial:3of4]]", count=4)
    says(page, "3 of 4 are ready; one was withheld by the service.", "0.12 USD was spent for what came")
    expect(button(page, "Use these")).to_be_visible()
    clean(page)
    button(page, "Make 1 more · 0.04 USD").click()
    ready(page, 4)
    says(page, "0.16 USD was spent.")
    assert Generation.objects.get().cost_actual == Decimal("0.16")


def test_what_may_be_sensitive_waits_and_can_be_withdrawn(visit, cluster, writer):
    cluster()
    page = visit(STUDIO, writer)
    ask(page, "a kite [[nsfw:1]]")
    ready(page, 1)
    says(page, "The result may be sensitive and waits for a reviewer. You will be told.", "0.08 USD was spent.")
    clean(page)
    button(page, "Withdraw").click()
    says(page, "Discarded")
    button(page, "Undo").click()
    says(page, "waits for a reviewer")
    assert Generation.objects.get().cost_actual == Decimal("0.08")


def test_another_shape_is_cut_used_as_it_is_or_made_again(visit, cluster, writer):
    cluster()
    page = visit(ADD, writer)
    write(page)
    inside = enter(page, "a kite [[wrong-ratio]]")
    ask(inside, count=1)
    says(inside, "The service returned 1:1 instead of 16:9.")
    clean(page)
    button(inside, "Use as is").click()
    expect(inside.get_by_role("radio", name="Leave it as it is")).to_be_checked()
    inside.get_by_role("link", name="Back to the pictures").click()
    button(inside, "Crop to 16:9").click()
    expect(inside.get_by_role("radio", name="Cut to 16:9")).to_be_checked()
    clean(page)
    inside.get_by_role("link", name="Back to the pictures").click()
    button(inside, "Make again · 0.04 USD").click()
    _comes(page, Generation.objects.filter(status="completed"), 2)


def _comes(page, rows, count):
    for _look in range(120):
        if rows.count() == count:
            return
        page.wait_for_timeout(250)
    raise AssertionError("it did not come")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("provider_rate_limited", "Too many requests just now. We will try again in"),
        ("provider_unavailable", "Sandbox is not answering."),
    ],
)
def test_what_waits_for_a_service_can_be_stopped(visit, cluster, writer, code, text):
    cluster()
    page = visit(STUDIO, writer)
    ask(page, f"a kite [[fail:{code}]]", count=1)
    says(page, text, "Nothing was charged so far. Expected cost: 0.04 USD.")
    clean(page)
    button(page, "Stop").click()
    says(page, "Nothing was charged.")
    expect(page.locator("#imagen-said")).to_have_text("Cancelled")
    assert not Generation.objects.get().cost_actual


def test_a_service_that_is_away_is_put_aside_and_waited_for(visit, cluster, writer):
    cluster()
    page = visit(STUDIO, writer)
    ask(page, "a kite [[fail:provider_unavailable]]", count=1)
    says(page, "Sandbox is not answering.")
    button(page, "Wait").press("Enter")
    expect(button(page, "Wait")).to_be_hidden()
    focused(page)
    expect(page.locator("[data-after=wait]")).to_contain_text("Sandbox is not answering. Nothing was charged so far.")
    page.wait_for_timeout(2500)
    expect(button(page, "Wait")).to_be_hidden()
    clean(page)
    button(page, "Stop").click()
    expect(page.locator("#imagen-said")).to_have_text("Cancelled")


class TestHours:
    """On a site that waits two seconds, and then looks for two hours."""

    @pytest.fixture
    def services(self, services):
        """The same, sooner."""
        return {**services, "DEADLINE_SECONDS": 2, "WATCH_SECONDS": 7200}

    def test_what_never_comes_is_looked_for_again_and_says_so(self, visit, cluster, writer):
        cluster()
        page = visit(STUDIO, writer)
        ask(page, "a kite [[never]]", count=1)
        says(page, "No answer after 2 seconds. We look again every hour for 2 hours and will show it if it arrives.")
        says(page, "0.04 USD was spent. The service’s own record decides.")
        expect(button(page, "Stop")).to_be_visible()
        clean(page)


def test_a_retired_model_leads_to_its_successor(visit, cluster, writer):
    cluster()
    page = visit(STUDIO, writer)
    ask(page, "a kite [[fail:model_retired]]")
    says(page, "Sandbox no longer has Imagen 4 (Google switched it off on ", FREE)
    page.get_by_text("Differences").click()
    says(page, "A picture costs 0.07 USD instead of 0.04 USD.")
    clean(page)
    button(page, "Use Nano Banana 2.1").click()
    expect(page.get_by_label("Model")).to_have_value("nano-banana-2.1")
    expect(page.locator("#imagen-generate")).to_have_text("Generate 2 · 0.14 USD")
    page.get_by_label("Description").fill("a kite")
    ask(page)
    ready(page, 2)
    assert Generation.objects.first().model == "nano-banana-2.1"


def test_a_full_storage_is_tried_again_and_the_picture_comes(visit, cluster, writer, media):
    media.mkdir(exist_ok=True)
    (media / "private").write_text("in the way")
    cluster()
    page = visit(STUDIO, writer)
    ask(page, "a kite", count=1)
    says(page, "The image exists but could not be saved. Retrying (2 of 5).", "(0.04 USD) and kept for retry")
    clean(page)
    (media / "private").unlink()
    Job.objects.update(due_at=timezone.now())
    ready(page, 1)
    assert Generation.objects.get().cost_actual == Decimal("0.04")


def test_a_file_that_is_gone_is_made_again(visit, cluster, writer):
    cluster()
    page = visit(STUDIO, writer)
    ask(page, "a kite [[fail:output_expired]]", count=1)
    for _look in range(60):
        if Generation.objects.get().status == "failed":
            break
        Job.objects.filter(status="storing", holder="").update(due_at=timezone.now())
        page.wait_for_timeout(500)
    says(page, "The service deleted the file before we could fetch it.", GONE, "Make again · 0.04 USD")
    clean(page)
    assert not candidates(page).count()

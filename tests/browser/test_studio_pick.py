"""The Studio's right column in a real browser: followed, chosen from by keyboard, handed over, readable."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from imagen import pipeline
from imagen.doors import Door, Pick
from imagen.models import Generation, Image, Job, Tempo
from tests.browser.looks import asked_for, screens, timed, wrong
from tests.browser.test_browser_admin import alive, finish, paint_into
from tests.factories import completed, generation, image

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

PLACE = "articles.article.hero"
STUDIO = reverse("admin:imagen_studio_changelist")
PART = "#imagen-results"
PANEL = ".imagen-place"
LISTEN = """window.heard = []; window.addEventListener("message", (event) => window.heard.push(event.data))"""
EMBED = """address => { document.body.innerHTML = ""; const frame = document.createElement("iframe");
frame.src = address; frame.width = 900; frame.height = 900; document.body.append(frame); }"""
TELL = """current => document.querySelector("iframe").contentWindow
.postMessage({type: "imagen:form", words: "", current}, location.origin)"""


def door(user, **facts):
    known = {"place": PLACE, "place_id": "7", "ratio": "16:9", "crops": ("1:1", "9:16"), "alt": True}
    return Door(**{**known, **facts}).sign(user)


def at(row, user=None, **facts):
    token = f"&door={door(user, **facts)}" if user else ""
    return f"{STUDIO}?run={row.pk}{token}"


def made(user, count=2, **fields):
    known = {"num_images": count, "aspect_ratio": "16:9", "prompt": "Wide dunes at noon under a pale sky"}
    row = generation(user, **{**known, "status": "completed", **fields})
    for number in range(count):
        paint_into(row, number)
    return row


def live(page):
    return page.locator("#imagen-said")


def tiles(page):
    return page.locator(f"{PART} [name=imagen-choice]")


def test_the_column_follows_a_request_by_itself_and_then_asks_no_more(visit, editor):
    alive()
    row = generation(editor, aspect_ratio="16:9")
    page = timed(visit(at(row), editor))
    page.evaluate("window.same = true")
    expect(page.locator(f"{PART} .imagen-coming")).to_have_count(1)
    expect(page.get_by_text("Place 1 in the queue")).to_be_visible()
    finish(row)
    expect(tiles(page)).to_have_count(1)
    expect(live(page)).to_have_text("1 picture is ready")
    assert not asked_for(page)
    assert page.evaluate("window.same")


def test_each_step_is_said_once(visit, editor):
    alive()
    row = generation(editor, status="processing")
    page = visit(at(row), editor)
    page.add_init_script(
        """window.said = []; document.addEventListener("DOMContentLoaded", () => {
        const live = document.getElementById("imagen-said");
        new MutationObserver(() => window.said.push(live.textContent)).observe(live, {childList: true}); })"""
    )
    page.reload()
    expect(live(page)).to_have_text("Generating")
    page.evaluate("document.querySelector('.imagen-run').same = true")
    page.wait_for_timeout(2500)
    assert page.evaluate("document.querySelector('.imagen-run').same"), "nothing is redrawn without news"
    Job.objects.filter(generation=row).update(status="storing")
    expect(live(page)).to_have_text("Checking and saving")
    assert page.evaluate("window.said") == ["Generating", "Checking and saving"]


def test_a_hidden_tab_does_not_ask(visit, editor):
    alive()
    page = timed(visit(at(generation(editor)), editor))
    assert asked_for(page)
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert not asked_for(page)


def test_the_focus_stays_in_the_column_when_its_button_goes(visit, editor):
    alive()
    row = generation(editor)
    page = visit(at(row), editor)
    page.get_by_role("button", name="Stop").focus()
    finish(row)
    expect(tiles(page)).to_have_count(1)
    assert page.evaluate("document.querySelector('#imagen-results').contains(document.activeElement)")


def test_stopping_takes_one_press(visit, editor):
    alive()
    row = generation(editor)
    page = visit(at(row), editor)
    page.get_by_role("button", name="Stop").press("Enter")
    expect(live(page)).to_have_text("Cancelled")
    row.refresh_from_db()
    assert row.status == "canceled"


def test_arrows_and_numbers_choose_and_enter_shows_it_large(visit, editor):
    page = visit(at(made(editor, 3)), editor)
    tiles(page).first.focus()
    page.keyboard.press("ArrowRight")
    expect(tiles(page).nth(1)).to_be_checked()
    page.keyboard.press("3")
    expect(tiles(page).nth(2)).to_be_checked()
    expect(tiles(page).nth(2)).to_be_focused()
    page.keyboard.press("Enter")
    large = page.locator("dialog.imagen-large-view")
    expect(large).to_be_visible()
    expect(large.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(large).to_have_count(0)
    expect(tiles(page).nth(2)).to_be_focused()
    page.keyboard.press("Enter")
    large.get_by_role("button", name="Describe and keep").click()
    expect(large).to_have_count(0)
    expect(page.get_by_label("Alt text")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Describe and keep").nth(2)).to_be_focused()


def test_the_focus_comes_back_though_the_picture_was_drawn_again_under_its_large_view(visit, editor):
    page = visit(at(made(editor, 2)), editor)
    tiles(page).first.focus()
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.locator("dialog.imagen-large-view")).to_be_visible()
    page.evaluate("document.querySelector('#imagen-results').innerHTML += ''")
    page.keyboard.press("Escape")
    expect(tiles(page).nth(1)).to_be_focused()


def test_a_picture_put_aside_comes_back_and_the_focus_stays_with_it(visit, editor):
    page = visit(at(made(editor)), editor)
    page.get_by_role("button", name="Discard").nth(1).click()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    expect(tiles(page)).to_have_count(1)
    undo.press("Enter")
    expect(tiles(page)).to_have_count(2)


def test_more_like_this_fills_the_form_with_another_seed(visit, editor):
    row = made(editor, seed=7, wording={"own": "dunes", "parts": []})
    page = visit(at(row, editor), editor)
    page.evaluate("document.addEventListener('imagen:reuse', (event) => { window.reused = event.detail; })")
    page.get_by_role("link", name="More like this").first.click()
    found = page.evaluate("window.reused")
    assert (found["prompt"], found["seed"], found["parent"]) == ("dunes", None, str(row.pk))
    page.get_by_role("link", name="Edit prompt").first.click()
    assert page.evaluate("window.reused")["seed"] == 7


def test_earlier_requests_are_leafed_through_on_the_spot(visit, editor):
    now = timezone.now()
    first = made(editor, 1, place=PLACE, place_id="7", created_at=now - timedelta(minutes=9), prompt="The first")
    second = made(editor, 2, place=PLACE, place_id="7", created_at=now, prompt="The second")
    page = visit(at(second, editor), editor)
    page.evaluate("window.same = true")
    page.get_by_role("link", name="Earlier").click()
    expect(page.get_by_role("heading", name="The first")).to_be_visible()
    expect(page.locator("[data-key=later]")).to_be_visible()
    assert str(first.pk) in page.url
    assert page.evaluate("window.same")


# --- beside a form ---


@pytest.fixture
def beside(visit, editor):
    """The Studio in a frame of a page that listens, as a form does."""

    def embed(row, **facts):
        page = visit(reverse("admin:index"), editor)
        page.evaluate(LISTEN)
        page.evaluate(EMBED, f"{at(row, editor, **facts)}&_popup=1")
        frame = page.frame_locator("iframe")
        expect(frame.locator(f"{PART} .imagen-run")).to_be_visible()
        page.wait_for_load_state("networkidle")
        return page, frame

    return embed


def test_the_picture_in_the_form_stands_first_for_comparison(beside, editor):
    page, frame = beside(made(editor))
    there = f"/imagen/images/{Image.objects.first().pk}/"
    page.evaluate(TELL, {"url": there, "alt": "The old one"})
    first = frame.locator(".imagen-tile").first
    expect(first).to_contain_text("Current picture")
    expect(first.get_by_alt_text("The old one")).to_be_visible()


def test_a_message_from_elsewhere_is_not_believed(beside, editor):
    page, frame = beside(made(editor))
    forged = """() => frames[0].dispatchEvent(new frames[0].MessageEvent("message", {origin: "https://example.com",
    source: window, data: {type: "imagen:form", current: {url: "/x.png", alt: ""}}}))"""
    page.evaluate(forged)
    stranger = """() => frames[0].dispatchEvent(new frames[0].MessageEvent("message", {origin: location.origin,
    source: frames[0], data: {type: "imagen:form", current: {url: "/x.png", alt: ""}}}))"""
    page.evaluate(stranger)
    page.wait_for_timeout(200)
    expect(frame.locator("[data-current]")).to_be_hidden()


def test_a_picture_is_put_into_the_form_by_keyboard_alone(beside, editor):
    row = made(editor)
    page, frame = beside(row)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    frame.get_by_role("link", name="Use this").nth(1).press("Enter")
    expect(frame.get_by_role("form", name="Before it goes into the article")).to_be_visible()
    expect(frame.get_by_label("Alt text")).to_be_focused()
    button = frame.get_by_role("button", name="Put into the article")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(frame.get_by_text("Still missing: what the picture is for.")).to_be_visible()
    button.press("Enter")
    choice = frame.get_by_role("radio", name="It shows something readers need to know")
    expect(choice).to_be_focused()
    assert not sent
    choice.press("Space")
    expect(frame.get_by_text("Still missing: the alt text.")).to_be_visible()
    slider = frame.get_by_label("From the left")
    for _press in range(5):
        slider.press("ArrowLeft")
    frame.get_by_label("Alt text").fill("Dunes under a pale sky")
    expect(frame.locator(".imagen-count")).to_have_text("22 / 125")
    frame.get_by_label("File name").fill("a/b: Dunes.png")
    expect(button).to_have_attribute("aria-disabled", "false")
    button.press("Enter")
    page.wait_for_function("window.heard.some((each) => each.type === 'imagen:picked')")
    said = next(each for each in page.evaluate("window.heard") if each["type"] == "imagen:picked")
    pick = Pick.read(said["pick"], editor)
    assert said["place"] == PLACE
    assert (pick.image, pick.alt_text) == (str(row.images.get(index=1).pk), "Dunes under a pale sky")
    assert (pick.focal, pick.name) == ((45, 50), "a-b-dunes")
    expect(frame.locator(f"{PART} .imagen-run")).to_be_visible()


@pytest.fixture
def open_panel(beside, editor):
    """The panel of a picture that nobody has said anything about."""
    page, frame = beside(made(editor))
    frame.get_by_role("link", name="Use this").first.click()
    expect(frame.get_by_label("Alt text")).to_be_focused()
    return page, frame


def chosen(frame, name=""):
    """Wait until this, or nothing, is what the picture is for."""
    expect(frame.locator("[name=meaning]:checked")).to_have_count(1 if name else 0)
    if name:
        expect(frame.get_by_role("radio", name=name)).to_be_checked()


def test_who_writes_what_it_shows_has_said_what_it_is_for_until_the_words_go(open_panel):
    page, frame = open_panel
    chosen(frame)
    page.keyboard.type("D")
    chosen(frame, "It shows something")
    expect(frame.get_by_role("status").filter(has_text="What is it for? It shows something")).to_have_count(1)
    expect(frame.get_by_role("button", name="Put into the article")).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("Backspace")
    chosen(frame)
    expect(frame.get_by_role("status").filter(has_text="What is it for?")).to_have_count(0)
    expect(frame.get_by_text("Still missing: what the picture is for.")).to_be_visible()


def test_what_somebody_chose_stays_whatever_is_written(open_panel):
    page, frame = open_panel
    page.keyboard.type("D")
    frame.get_by_role("radio", name="It shows something").click()
    frame.get_by_label("Alt text").fill("")
    chosen(frame, "It shows something")
    frame.get_by_role("radio", name="It is a link").click()
    frame.get_by_label("Alt text").fill("The dunes")
    chosen(frame, "It is a link")


def test_every_panel_begins_anew_with_what_the_picture_is_for(open_panel):
    page, frame = open_panel
    page.keyboard.type("D")
    chosen(frame, "It shows something")
    page.keyboard.press("Escape")
    frame.get_by_role("link", name="Use this").nth(1).click()
    expect(frame.get_by_label("Alt text")).to_be_focused()
    chosen(frame)
    page.keyboard.type("D")
    chosen(frame, "It shows something")


def test_a_refusal_does_not_forget_that_nobody_chose(open_panel):
    page, frame = open_panel
    page.keyboard.type("Wide dunes at noon under a pale sky")
    frame.get_by_role("button", name="Put into the article").click()
    expect(frame.get_by_text("This is what the picture was asked for.")).to_be_visible()
    expect(frame.get_by_label("Alt text")).to_be_focused()
    chosen(frame, "It shows something")
    frame.get_by_label("Alt text").fill("")
    chosen(frame)


def test_words_for_a_picture_that_goes_nowhere_are_written_at_once(visit, editor):
    page = visit(at(made(editor, 1)), editor)
    page.get_by_role("link", name="Describe and keep").click()
    expect(page.get_by_label("Alt text")).to_be_focused()
    page.keyboard.type("A kite in the wind")
    page.get_by_role("button", name="Save").click()
    expect(live(page)).to_have_text("Saved with the picture.")
    assert Image.objects.get().alt_text == "A kite in the wind"


def test_escape_leads_back_one_step_at_a_time(beside, editor):
    page, frame = beside(made(editor))
    page.evaluate("frames[0].addEventListener('keydown', (event) => window.heard.push({type: event.key}))")
    frame.get_by_role("link", name="Use this").first.press("Enter")
    expect(frame.locator(PANEL)).to_be_visible()
    frame.get_by_label("File name").press("Escape")
    expect(frame.locator(PANEL)).to_have_count(0)
    expect(frame.get_by_role("link", name="Use this").first).to_be_focused()
    frame.locator("[name=imagen-choice]").first.press("Enter")
    page.keyboard.press("Escape")
    expect(frame.locator("dialog")).to_have_count(0)
    assert not [each for each in page.evaluate("window.heard") if each["type"] in ("imagen:close", "Escape")]


def test_a_click_on_the_picture_sets_the_focal_point_and_every_cut_follows(beside, editor):
    _page, frame = beside(made(editor))
    frame.get_by_role("link", name="Use this").first.click()
    picture = frame.locator(".imagen-aim img")
    expect(picture).to_be_visible()
    box = picture.bounding_box()
    picture.click(position={"x": box["width"] * 0.2, "y": box["height"] * 0.8})
    expect(frame.get_by_label("From the left")).to_have_value("20")
    expect(frame.get_by_label("From the top")).to_have_value("80")
    expect(frame.locator(".imagen-place .imagen-crop img").first).to_have_css("object-position", "20% 80%")


def test_the_copied_prompt_is_refused_and_what_was_written_stays(beside, editor):
    _page, frame = beside(made(editor))
    frame.get_by_role("link", name="Use this").first.click()
    frame.get_by_role("radio", name="It shows something").check()
    frame.get_by_label("Alt text").fill("Wide dunes at noon, under a pale sky.")
    frame.get_by_label("File name").fill("dunes")
    frame.get_by_role("button", name="Put into the article").click()
    expect(frame.get_by_text("This is what the picture was asked for.")).to_be_visible()
    expect(frame.get_by_label("Alt text")).to_be_focused()
    expect(frame.get_by_label("File name")).to_have_value("dunes")


def test_a_picture_deleted_while_it_is_being_placed_ends_in_a_sentence(beside, editor):
    row = made(editor)
    page, frame = beside(row)
    frame.get_by_role("link", name="Use this").first.click()
    frame.get_by_role("radio", name="It only decorates the page").check()
    pipeline.discard(row.images.get(index=0))
    frame.get_by_role("button", name="Put into the article").click()
    said = "This picture was deleted meanwhile. Your form is as it was."
    expect(frame.locator(PART).get_by_text(said)).to_be_visible()
    expect(frame.locator("#imagen-said")).to_have_text(said)
    assert not [each for each in page.evaluate("window.heard") if each["type"] == "imagen:picked"]


def test_who_does_not_want_to_wait_leaves_and_is_told(beside, editor):
    alive()
    Tempo.objects.create(provider="sandbox", provider_model="google/imagen4", mean=1.0, deviation=0.0)
    row = generation(editor, created_at=timezone.now() - timedelta(seconds=28))
    Job.objects.update(created_at=row.created_at)
    page, frame = beside(row)
    frame.get_by_role("button", name="Keep waiting").click()
    expect(frame.get_by_text("Taking longer than usual (")).to_be_hidden()
    frame.get_by_role("button", name="Tell me when ready").click()
    page.wait_for_function("window.heard.some((each) => each.type === 'imagen:close')")
    row.refresh_from_db()
    assert row.unseen
    finish(row)
    page.goto(reverse("admin:index"))
    expect(page.locator(".messagelist")).to_contain_text("1 image for a lighthouse is ready.")
    expect(page.get_by_role("link", name="Studio (1)").first).to_be_visible()
    page.locator(".messagelist").get_by_role("link", name="Show").click()
    expect(tiles(page)).to_have_count(1)
    page.goto(reverse("admin:index"))
    expect(page.get_by_role("link", name="Studio (1)")).to_have_count(0)


# --- without scripts, and how it looks ---


def test_without_scripts_a_reload_shows_the_result_and_words_can_be_kept(visit, editor):
    alive()
    row = generation(editor, aspect_ratio="16:9")
    page = visit(at(row), editor, java_script_enabled=False)
    expect(page.locator("[aria-current=step]")).to_have_text("Queued")
    finish(row)
    page.reload()
    page.get_by_role("link", name="Describe and keep").click()
    page.get_by_label("Alt text").fill("A kite in the wind")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved with the picture.")).to_be_visible()
    assert Image.objects.get().alt_text == "A kite in the wind"


def scenes(editor):
    """Every screen of the column, by name."""
    alive()
    Tempo.objects.create(provider="sandbox", provider_model="google/imagen4", mean=11.0, deviation=3.0)
    slow = generation(editor, prompt="A slow bay", num_images=2, aspect_ratio="16:9", status="processing")
    Job.objects.filter(generation=slow).update(accepted_at=timezone.now() - timedelta(seconds=28))
    square = generation(editor, prompt="A harbour", aspect_ratio="16:9", status="completed", warnings=["wrong_size"])
    image(square, width=64, height=64)
    failed = {"status": "failed", "error_code": "content_filtered", "error_note": "Blocked by policy"}
    partial = {"status": "partial", "error_code": "partial_outputs"}
    held = made(editor, 2, prompt="A beach")
    held.images.filter(index=1).update(review="held")
    put_aside = made(editor, 2, prompt="Three kites over a very long beach that goes on and on " * 2)
    put_aside.images.filter(index=0).update(discarded_at=timezone.now())
    partly = made(editor, 1, prompt="Kites", **partial)
    Generation.objects.filter(pk=partly.pk).update(num_images=2)
    return {
        "queued": generation(editor, prompt="A lighthouse at dusk", num_images=4, aspect_ratio="16:9"),
        "slow": slow,
        "candidates": made(editor, 4, place=PLACE, place_id="7"),
        "filtered": generation(editor, prompt="A portrait", **failed),
        "partial": partly,
        "wrong-shape": square,
        "held": held,
        "put-aside": put_aside,
    }


def test_every_screen_is_readable_and_fits(visit, editor):
    page = visit(reverse("admin:index"), editor)
    faults = []

    def look(name, part):
        page.wait_for_load_state("networkidle")
        for screen in screens(page):
            faults.extend(wrong(page, f"pick-{name}-{screen}", part))

    for name, row in scenes(editor).items():
        page.goto(at(row, editor))
        look(name, PART)
    page.goto(at(Generation.objects.get(place=PLACE), editor))
    page.get_by_role("link", name="Use this").first.click()
    expect(page.locator(PANEL)).to_be_visible()
    look("placing", PANEL)
    page.goto(at(completed(editor, wording={"own": "a kite", "parts": []})))
    page.get_by_role("link", name="Describe and keep").first.click()
    look("library", PANEL)
    assert not faults

"""What the house adds to descriptions: versions count, what is shared is for who may share, one's own is one's own."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from imagen.models import HouseRule, Style, Template
from tests.factories import completed, person

CHANGE = ("view_template", "add_template", "change_template", "delete_template")


def page(row, name="change"):
    return reverse(f"admin:imagen_{row._meta.model_name}_{name}", args=[row.pk])


def said(row, **changes):
    names = ("name", "words", "avoid", "text", "position")
    known = {name: getattr(row, name) for name in names if hasattr(row, name)}
    return {**known, "active": "on", "owner": row.owner_id or "", **changes}


@pytest.fixture
def shared(db):
    return Template.objects.create(name="Animal", text="A {animal}")


@pytest.fixture
def owner(sign_in):
    """Somebody who may add templates, and no more."""
    return sign_in("ann", "generate", "add_template")


def test_other_words_are_another_version_and_another_name_is_not(sign_in, shared):
    client = sign_in("bob", *CHANGE)
    client.post(page(shared), said(shared, name="Creature"))
    shared.refresh_from_db()
    assert (shared.name, shared.version) == ("Creature", 1)
    client.post(page(shared), said(shared, text="An {animal}"))
    shared.refresh_from_db()
    assert (shared.text, shared.version) == ("An {animal}", 2)


@pytest.mark.parametrize("field", ["words", "avoid"])
def test_both_what_a_style_adds_and_what_it_avoids_count(sign_in, field):
    style = Style.objects.create(name="Ink", words="Drawn in ink.")
    sign_in("bob", "view_style", "change_style").post(page(style), said(style, **{field: "Other"}))
    style.refresh_from_db()
    assert style.version == 2


def test_a_rule_of_the_house_counts_too(sign_in):
    rule = HouseRule.objects.create(name="Colours", words="Muted colours.")
    client = sign_in("bob", "view_houserule", "change_houserule")
    client.post(page(rule), {"name": rule.name, "words": "Bright colours.", "active": "on", "position": "0"})
    rule.refresh_from_db()
    assert (rule.words, rule.version) == ("Bright colours.", 2)


def test_what_somebody_adds_who_may_not_share_is_their_own(owner):
    stranger = person("eve")
    form = {"name": "Mine", "text": "A {thing}", "position": "0", "active": "on", "owner": stranger.pk}
    owner.post(reverse("admin:imagen_template_add"), form)
    assert Template.objects.get().owner.username == "ann"


def test_who_may_share_says_whose_it_is(sign_in):
    client = sign_in("bob", *CHANGE)
    form = {"name": "Ours", "text": "A {thing}", "position": "0", "active": "on", "owner": ""}
    client.post(reverse("admin:imagen_template_add"), form)
    assert Template.objects.get().owner is None


def test_people_see_what_is_shared_and_their_own(owner, shared):
    Template.objects.create(name="Eve's secret", text="x", owner=person("eve"))
    Template.objects.create(name="Ann's own", text="x", owner=User.objects.get(username="ann"))
    listed = owner.get(reverse("admin:imagen_template_changelist")).content.decode()
    assert "Animal" in listed
    assert "Ann&#x27;s own" in listed
    assert "secret" not in listed


def test_people_change_and_delete_their_own_and_nothing_else(owner, shared):
    own = Template.objects.create(name="Own", text="x", owner=User.objects.get(username="ann"))
    foreign = Template.objects.create(name="Foreign", text="x", owner=person("eve"))
    owner.post(page(own), said(own, text="y"))
    own.refresh_from_db()
    assert own.text == "y"
    assert owner.post(page(shared), said(shared, text="y")).status_code == 403
    assert owner.post(page(foreign), said(foreign, text="y")).status_code == 403
    assert owner.post(page(shared, "delete"), {"post": "yes"}).status_code == 403
    owner.post(page(own, "delete"), {"post": "yes"})
    assert set(Template.objects.values_list("name", "text")) == {("Animal", "A {animal}"), ("Foreign", "x")}


@pytest.mark.parametrize("model", [Style, Template])
def test_the_lists_stay_at_a_few_queries(sign_in, django_assert_max_num_queries, model):
    client = sign_in("root", is_superuser=True)
    for number in range(20):
        model.objects.create(name=f"Number {number}", **({"words": "x"} if model is Style else {"text": "x"}))
    address = reverse(f"admin:imagen_{model._meta.model_name}_changelist")
    with django_assert_max_num_queries(11):
        assert "Number 19" in client.get(address).content.decode()


STYLE = ("generate", "view_style", "add_style", "change_style")


def test_a_style_whose_example_is_somebody_elses_can_be_changed_and_keeps_it(sign_in):
    image = completed(person("eve")).images.get()
    style = Style.objects.create(name="Ink", words="Drawn in ink.", example=image)
    answer = sign_in("bob", *STYLE).post(page(style), said(style, name="Pen", example=str(image.pk)))
    style.refresh_from_db()
    assert (answer.status_code, style.name, style.example) == (302, "Pen", image)


def test_a_picture_that_is_held_back_is_no_example(sign_in):
    client = sign_in("bob", *STYLE)
    image = completed(User.objects.get(username="bob")).images.get()
    image.review = "held"
    image.save()
    form = {"name": "Ink", "words": "Drawn in ink.", "position": "0", "active": "on", "example": str(image.pk)}
    answer = client.post(reverse("admin:imagen_style_add"), form)
    assert "example" in answer.context["adminform"].form.errors


def test_who_may_share_leaves_peoples_templates_the_style_they_chose(sign_in):
    eve = person("eve")
    style = Style.objects.create(name="Ink", words="Drawn in ink.", owner=eve)
    own = Template.objects.create(name="Own", text="x", owner=eve, style=style)
    form = sign_in("bob", *CHANGE).get(page(own)).context["adminform"].form
    assert form.fields["style"].clean(form["style"].value()) == style

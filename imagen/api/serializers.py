"""The shapes of what comes and goes, for the schema; ``imagen.presentation`` makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from imagen.messages import answerable
from imagen.models import Period, Scope
from imagen.sentences import ACTIONS
from imagen.sentences import SENTENCES as CODES
from imagen.states import Review, Status
from imagen.types import ASPECT_RATIOS, MAX_IMAGES, MAX_PROMPT, MAX_SEED, OUTPUT_FORMATS, RESOLUTIONS

if TYPE_CHECKING:
    Shape = serializers.Serializer[Any]
else:
    Shape = serializers.Serializer

TEXTS = {"alt_text": 500, "title": 200}
MONEY = r"^\d+\.\d{4}$"
CORRECTED = r"^-?\d+\.\d{4}$"


def _money(text: str) -> serializers.RegexField:
    return serializers.RegexField(MONEY, allow_null=True, help_text=text)


def _amount(text: str, *, pattern: str = MONEY) -> serializers.RegexField:
    return serializers.RegexField(pattern, help_text=text)


@extend_schema_serializer(component_name="GenerationRequest")
class GenerationRequest(Shape):
    """What to make; everything but the prompt has a default."""

    prompt = serializers.CharField(max_length=MAX_PROMPT, help_text="What the picture shows.")
    negative_prompt = serializers.CharField(max_length=MAX_PROMPT, allow_blank=True, default="", help_text="To avoid.")
    model = serializers.CharField(
        max_length=100, allow_blank=True, required=False, help_text="A model's id, or a provider's own id of it."
    )
    provider = serializers.CharField(
        max_length=50, allow_blank=True, required=False, help_text="Without it the first that can do all of it."
    )
    aspect_ratio = serializers.ChoiceField(ASPECT_RATIOS, default="1:1")
    resolution = serializers.ChoiceField(RESOLUTIONS, allow_null=True, default=None)
    num_images = serializers.IntegerField(min_value=1, max_value=MAX_IMAGES, default=1)
    seed = serializers.IntegerField(
        min_value=-1, max_value=MAX_SEED, allow_null=True, default=None, help_text="-1 means none."
    )
    output_format = serializers.ChoiceField(OUTPUT_FORMATS, allow_null=True, default=None)
    metadata = serializers.DictField(default=dict, help_text="Yours to fill, at most 4 kB; it comes back unchanged.")
    webhook_url = serializers.CharField(
        required=False, help_text="Also told of the end; at one of your active endpoints, with a key that may name it."
    )


@extend_schema_serializer(component_name="Image")
class ImageShape(Shape):
    """A picture; ``sha256`` and ``bytes`` describe what ``url`` serves."""

    id = serializers.UUIDField()
    index = serializers.IntegerField(min_value=0)
    url = serializers.URLField(allow_null=True, help_text="Null while only reviewers may see it.")
    thumbnail_url = serializers.URLField(allow_null=True)
    width = serializers.IntegerField(min_value=1)
    height = serializers.IntegerField(min_value=1)
    format = serializers.ChoiceField(("png", "jpeg", "webp"))
    bytes = serializers.IntegerField(min_value=1)
    sha256 = serializers.RegexField("^[0-9a-f]{64}$")
    alt_text = serializers.CharField(allow_blank=True)
    title = serializers.CharField(allow_blank=True)
    flagged = serializers.BooleanField(allow_null=True, help_text="Null when the provider says nothing.")
    review = serializers.ChoiceField(Review.values)
    ai_generated = serializers.BooleanField()
    provider_model = serializers.CharField()
    created_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="ImageTexts")
class ImageTexts(Shape):
    """What people write about a picture."""

    alt_text = serializers.CharField(max_length=TEXTS["alt_text"], allow_blank=True, required=False)
    title = serializers.CharField(max_length=TEXTS["title"], allow_blank=True, required=False)


@extend_schema_serializer(component_name="Warning")
class WarningShape(Shape):
    """Something to know."""

    code = serializers.CharField()
    message = serializers.CharField()


@extend_schema_serializer(component_name="GenerationError")
class ErrorShape(Shape):
    """Why it is not ready, in words, and what can be done."""

    code = serializers.ChoiceField(sorted(code for code in CODES if not answerable(code)))
    message = serializers.CharField()
    next_actions = serializers.ListField(child=serializers.ChoiceField(sorted(ACTIONS)))


@extend_schema_serializer(component_name="Cost")
class CostShape(Shape):
    """Money as decimal text in ``unit``: a currency, or ``credits``."""

    unit = serializers.CharField()
    estimated = _money("Null while the price is unknown.")
    actual = _money("Null until something is known to be spent.")


@extend_schema_serializer(component_name="Urls")
class UrlsShape(Shape):
    """Where to go next; null where there is nothing to do."""

    self = serializers.URLField()
    cancel = serializers.URLField(allow_null=True)
    retry = serializers.URLField(allow_null=True)


@extend_schema_serializer(component_name="Generation")
class GenerationShape(Shape):
    """What was asked, and how it stands."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(Status.values)
    model = serializers.CharField()
    provider = serializers.CharField()
    prompt = serializers.CharField()
    negative_prompt = serializers.CharField(allow_blank=True)
    aspect_ratio = serializers.ChoiceField(ASPECT_RATIOS)
    resolution = serializers.ChoiceField(RESOLUTIONS, allow_null=True)
    num_images = serializers.IntegerField(min_value=1)
    seed = serializers.IntegerField(allow_null=True)
    output_format = serializers.ChoiceField(OUTPUT_FORMATS, allow_null=True)
    metadata = serializers.DictField()
    images = ImageShape(many=True)
    error = ErrorShape(allow_null=True)
    warnings = WarningShape(many=True)
    cost = CostShape()
    eta_seconds = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    urls = UrlsShape()


class PageShape(Shape):
    """One page, newest first."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


@extend_schema_serializer(component_name="GenerationPage")
class GenerationPage(PageShape):
    """One page of generations, newest first."""

    results = GenerationShape(many=True)


@extend_schema_serializer(component_name="ImagePage")
class ImagePage(PageShape):
    """One page of pictures, newest first."""

    results = ImageShape(many=True)


@extend_schema_serializer(component_name="Offer")
class OfferShape(Shape):
    """A model as one provider sells it."""

    provider = serializers.CharField()
    provider_model = serializers.CharField()
    price = _money("For one picture; null while unknown.")
    unit = serializers.CharField()
    parameters = serializers.DictField(help_text="JSON Schema of what may be sent.")
    idempotent = serializers.BooleanField(help_text="Whether a call can safely be repeated.")
    webhooks = serializers.BooleanField()
    images_per_call = serializers.IntegerField(min_value=1)


@extend_schema_serializer(component_name="Model")
class ModelShape(Shape):
    """A model, whoever sells it."""

    id = serializers.CharField()
    name = serializers.CharField()
    retired_upstream_on = serializers.DateField(allow_null=True)
    successor = serializers.CharField(allow_null=True)
    offers = OfferShape(many=True)


@extend_schema_serializer(component_name="Budget")
class BudgetShape(Shape):
    """The budget with the least left, in ``unit``; periods begin in UTC."""

    limit = _amount("With what was granted on top.")
    remaining = _amount("What is neither spent nor set aside.")
    unit = serializers.CharField()
    period = serializers.ChoiceField(Period.values)
    resets_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="Quote")
class QuoteShape(Shape):
    """What a request would cost, and whether it would be taken."""

    estimated = _money("Null while the price is unknown.")
    unit = serializers.CharField()
    provider = serializers.CharField()
    allowed = serializers.BooleanField()
    remaining = _money("In `unit`; null without a limit, or while no rate says what a credit is worth.")
    warnings = WarningShape(many=True)
    budget = BudgetShape(allow_null=True)


class AmountsShape(Shape):
    """Money that is spent, and money set aside for calls that no provider has accepted yet."""

    spent = _amount("Accepted calls, as their provider charged them.")
    reserved = _amount("Set aside; free again when nothing is charged.")


@extend_schema_serializer(component_name="UsedBudget")
class UsedBudgetShape(BudgetShape, AmountsShape):
    """One budget and how it stands."""

    scope = serializers.ChoiceField(Scope.values)


@extend_schema_serializer(component_name="UsageByProvider")
class ByProviderShape(AmountsShape):
    """At one provider."""

    provider = serializers.CharField()


@extend_schema_serializer(component_name="UsageByModel")
class ByModelShape(AmountsShape):
    """For one model."""

    model = serializers.CharField()


@extend_schema_serializer(component_name="UsageByDay")
class ByDayShape(Shape):
    """On one day."""

    day = serializers.DateField()
    spent = _amount("On this day in UTC; corrections may make it negative.", pattern=CORRECTED)


@extend_schema_serializer(component_name="Usage")
class UsageShape(AmountsShape):
    """What was spent in this month, and what is left, in ``unit``; the tightest budget first."""

    unit = serializers.CharField()
    since = serializers.DateTimeField()
    limit = _money("Of the budget with the least left; null without one.")
    remaining = _money("What is left of it.")
    resets_at = serializers.DateTimeField(allow_null=True)
    budgets = UsedBudgetShape(many=True)
    by_provider = ByProviderShape(many=True)
    by_model = ByModelShape(many=True)
    by_day = ByDayShape(many=True)


@extend_schema_serializer(component_name="FieldError")
class FieldErrorShape(Shape):
    """One thing wrong with one field, parameter or header."""

    field = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


@extend_schema_serializer(component_name="Problem")
class ProblemShape(Shape):
    """What went wrong, as RFC 9457 says it."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.ChoiceField(sorted(filter(answerable, CODES)))
    request_id = serializers.CharField()
    errors = FieldErrorShape(many=True)  # type: ignore[assignment]  # hides a property nobody asks here
    next_actions = serializers.ListField(child=serializers.ChoiceField(sorted(ACTIONS)))
    budget = BudgetShape(required=False, help_text="What is left, when that is the problem.")

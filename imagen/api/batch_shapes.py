"""The shapes of batches, for the schema; ``imagen.progress`` makes them."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from imagen.api.serializers import CostShape, GenerationRequest, PageShape, Shape
from imagen.batches import MOST
from imagen.states import Status


def _count(text: str) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0, help_text=text)


@extend_schema_serializer(component_name="BatchRequest")
class BatchRequest(Shape):
    """Many requests: all of them are taken, or none."""

    requests = serializers.ListField(child=GenerationRequest(), min_length=1, max_length=MOST)
    metadata = serializers.DictField(default=dict, help_text="Yours to fill, at most 4 kB; it comes back unchanged.")


@extend_schema_serializer(component_name="BatchProgress")
class BatchProgressShape(Shape):
    """How many requests there are, and how many of them are in which state."""

    total = _count("As many as were asked for.")
    queued = _count("Nothing of them was accepted yet.")
    processing = _count("A provider makes them.")
    completed = _count("All their pictures are there.")
    partial = _count("Some of their pictures are there.")  # type: ignore[assignment]  # hides a flag nobody asks here
    failed = _count("They ended without a picture.")
    canceled = _count("They were stopped before anything was sent.")
    unconfirmed = _count("A person has to look.")
    deleted = _count("They were deleted since.")


@extend_schema_serializer(component_name="BatchCost")
class BatchCostShape(CostShape):
    """What all its requests cost together; all null where they are counted in different units."""

    unit = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="BatchUrls")
class BatchUrlsShape(Shape):
    """Where to go next; null where there is nothing to do."""

    self = serializers.URLField()
    generations = serializers.URLField(help_text="The list of its generations, the last request first.")
    cancel = serializers.URLField(allow_null=True)


@extend_schema_serializer(component_name="Batch")
class BatchShape(Shape):
    """Requests that were taken together, and how they stand."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(Status.values)
    progress = BatchProgressShape()
    metadata = serializers.DictField()
    cost = BatchCostShape()
    eta_seconds = serializers.IntegerField(allow_null=True, help_text="Until the last of them is probably ready.")
    created_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)
    urls = BatchUrlsShape()


@extend_schema_serializer(component_name="BatchPage")
class BatchPage(PageShape):
    """One page of batches, newest first."""

    results = BatchShape(many=True)

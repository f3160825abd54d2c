"""The site's addresses, and two plain views to hold the REST interface against."""

from __future__ import annotations

import json

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from imagen import registry
from imagen.models import Event, Generation, Job
from imagen.types import ImageRequest
from project.urls import urlpatterns as site


@csrf_exempt
def one_row(request: HttpRequest) -> JsonResponse:
    """Insert one row, unchecked, for nobody."""
    row = Generation.objects.create(prompt=json.loads(request.body)["prompt"], model="imagen-4", provider="wavespeed")
    return JsonResponse({"id": str(row.pk)}, status=202)


@csrf_exempt
def same_rows(request: HttpRequest) -> JsonResponse:
    """Insert the rows that a request for one picture consists of, unchecked, for nobody."""
    choice = registry.route(ImageRequest(prompt="any"))
    prompt = json.loads(request.body)["prompt"]
    with transaction.atomic():
        row = Generation.objects.create(prompt=prompt, model="imagen-4", provider="wavespeed")
        Job.of(row, offer=choice.offer, provider=choice.alias, slots=[0]).save(force_insert=True)
        Event.objects.create(generation=row, what="asked")
    return JsonResponse({"id": str(row.pk)}, status=202)


urlpatterns = [path("bench/one-row/", one_row), path("bench/same-rows/", same_rows), *site]

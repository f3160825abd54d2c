"""Batches: ask for many at once, look, cancel what can be."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.http import Http404
from django.utils.translation import get_language
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from imagen import batches, progress
from imagen.api import live_docs, pagination, throttles
from imagen.api.door import Door, unknown_fields
from imagen.api.idempotency import Answer, Once
from imagen.api.permissions import MayGenerate, person, require_own
from imagen.api.views import headers_of, options, unchanged
from imagen.exceptions import FieldError, InvalidRequest
from imagen.models import Batch

FIELDS = frozenset({"requests", "metadata"})


class BatchDoor(Door):
    """What the views of batches share: whose they are, and how one is shown."""

    def found(self, request: Request, pk: uuid.UUID) -> Batch:
        """The batch, if this person may see it and anything of it is left."""
        batch: Batch | None = Batch.objects.of(person(request)).standing().filter(pk=pk).first()
        if batch is None:
            raise Http404
        return batch

    def shown(self, request: Request, batch: Batch) -> dict[str, Any]:
        """The batch as it stands."""
        found = progress.of([batch])[batch.pk]
        return progress.batch_json(batch, found, build_url=request.build_absolute_uri)


class Batches(BatchDoor):
    """Ask for many; list what was asked."""

    parameters: ClassVar[frozenset[str]] = pagination.PARAMETERS
    scopes: ClassVar[dict[str, str]] = {"GET": "read", "POST": "generate"}
    permission_classes = [IsAuthenticated, MayGenerate]
    writes = throttles.GENERATE

    @live_docs.list_batches
    def get(self, request: Request) -> Response:
        """One page, newest first."""
        page = pagination.page(Batch.objects.of(person(request)).standing(), request.GET)
        found, build_url = progress.of(page.rows), request.build_absolute_uri
        results = [progress.batch_json(batch, found[batch.pk], build_url=build_url) for batch in page.rows]
        return Response(pagination.answer(page, results, request.build_absolute_uri()))

    @live_docs.ask_many
    def post(self, request: Request) -> Response:
        """Take all of the requests or none; the pictures are made in the background."""
        body = self.body(request)
        throttles.more(request, self, self._number(body, most=throttles.at_once(request, self)) - 1)
        once = Once.of(request, body)
        answer = once.answer(lambda: self._ask(request, body)) if once else self._ask(request, body)
        if answer.replayed:
            self.found(request, uuid.UUID(answer.body["id"]))  # or nothing of it is left
        headers = {**answer.headers, "Location": answer.body["urls"]["self"], **headers_of(answer.body)}
        return Response(answer.body, status=answer.status, headers=headers)

    def _number(self, body: dict[str, Any], *, most: float) -> int:
        """How many requests are in the body, which has nothing but what we read."""
        missing = () if "requests" in body else (FieldError(field="requests", code="required"),)
        null = (FieldError(field="metadata", code="not_an_object"),) if body.get("metadata", {}) is None else ()
        if errors := (*unknown_fields(body, FIELDS), *missing, *null):
            raise InvalidRequest(errors=errors)
        return batches.counted(body["requests"], most=most)

    def _ask(self, request: Request, body: dict[str, Any]) -> Answer:
        asked = batches.each(body["requests"], lambda each: _options(each, key=request.auth))
        batch = batches.request_many(asked, user=person(request), metadata=body.get("metadata"))
        return Answer(status=202, body=self.shown(request, batch))


def _options(body: Any, *, key: Any) -> dict[str, Any]:
    """One of the requests, as strict as if it came alone."""
    if not isinstance(body, dict):
        raise InvalidRequest(errors=(FieldError(field="", code="not_an_object"),))
    return options(body, key=key)


class BatchDetail(BatchDoor):
    """One batch."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}

    @live_docs.look_at_batch
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """How far it is."""
        batch = self.found(request, pk)
        found = progress.of([batch])[pk]
        etag = f'W/"{pk}-{found.version}-{get_language()}"'
        if unchanged(request, etag):
            return Response(status=304, headers={"ETag": etag})
        body = progress.batch_json(batch, found, build_url=request.build_absolute_uri)
        return Response(body, headers={"ETag": etag, **headers_of(body)})


class BatchCancel(BatchDoor):
    """Stop a batch."""

    scopes: ClassVar[dict[str, str]] = {"POST": "generate"}

    @live_docs.cancel_batch
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Stop what was not sent yet; what was sent is kept when it comes."""
        batch = self.found(request, pk)
        require_own(request, batch, "change_generation")
        self.no_body(request)
        batches.cancel(batch, actor=person(request))
        body = self.shown(request, batch)
        return Response(body, headers=headers_of(body))

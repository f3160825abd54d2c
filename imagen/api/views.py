"""Generations: ask, look, wait, cancel, try again, delete."""

from __future__ import annotations

import uuid
from dataclasses import fields
from typing import Any, ClassVar

from django.http import Http404
from django.utils.http import parse_etags
from django.utils.translation import get_language
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from imagen import pipeline, presentation
from imagen.api import docs, filters, pagination, waiting
from imagen.api.door import Door, unknown_fields
from imagen.api.idempotency import HEADER, Answer, Once
from imagen.api.permissions import MayGenerate, person, require_own
from imagen.exceptions import FieldError, InvalidRequest
from imagen.models import Generation
from imagen.states import FINISHED, Status
from imagen.types import ImageRequest

FIELDS = frozenset(field.name for field in fields(ImageRequest)) | {"metadata"}
_AGAIN_SECONDS = (1, 2, 10)
_PERSON_SECONDS = 60


def options(body: dict[str, Any]) -> dict[str, Any]:
    """The body as the pipeline takes it; unknown names are refused together with what else is wrong."""
    known = {name: value for name, value in body.items() if name in FIELDS}
    null = (FieldError(field="metadata", code="not_an_object"),) if known.get("metadata", {}) is None else ()
    if errors := (*unknown_fields(body, FIELDS), *null):
        raise InvalidRequest(errors=(*errors, *_also_wrong(known)))
    return known


def _also_wrong(body: dict[str, Any]) -> tuple[Any, ...]:
    try:
        ImageRequest.build(**{name: value for name, value in body.items() if name != "metadata"})
    except InvalidRequest as error:
        return error.errors
    return ()


class GenerationDoor(Door):
    """What the views of generations share: whose they are, and how one is shown."""

    def found(self, request: Request, pk: uuid.UUID) -> Generation:
        """The generation, if this person may see it; somebody else's is as unknown as a made-up id."""
        rows = Generation.objects.of(person(request)).standing()
        generation: Generation | None = presentation.whole(rows).filter(pk=pk).first()
        if generation is None:
            raise Http404
        return generation

    def shown(self, request: Request, generation: Generation) -> dict[str, Any]:
        """The generation as this person sees it."""
        return presentation.generation_json(generation, **self.presented(request))

    def fresh(self, request: Request, generation: Generation, *, status: int = 200) -> Response:
        """The generation as it is now."""
        body = self.shown(request, self.found(request, generation.pk))
        return Response(body, status=status, headers=_headers(body))


class Generations(GenerationDoor):
    """Ask for pictures; list what was asked."""

    parameters: ClassVar[frozenset[str]] = pagination.PARAMETERS | filters.FILTERS.keys()
    permission_classes = [IsAuthenticated, MayGenerate]

    @docs.list_generations
    def get(self, request: Request) -> Response:
        """One page, newest first."""
        rows = filters.narrowed(Generation.objects.of(person(request)).standing(), request.GET, user=request.user)
        page = pagination.page(presentation.whole(rows), request.GET)
        results = presentation.generations_json(page.rows, **self.presented(request))
        return Response(pagination.answer(page, results, request.build_absolute_uri()))

    @docs.ask
    def post(self, request: Request) -> Response:
        """Take the request; the pictures are made in the background."""
        body = self.body(request)
        once = self._once(request, body)
        answer = once.answer(lambda: self._ask(request, body)) if once else self._ask(request, body)
        headers = {"Idempotency-Replayed": "true"} if answer.replayed else {}
        headers |= {"Content-Language": answer.language} if answer.language else {}
        seconds = 0 if answer.replayed else waiting.preferred(request.headers.get("Prefer", ""))
        if seconds and self._wait(request, answer, seconds):
            headers["Preference-Applied"] = f"wait={seconds}"
            answer = self._later(request, answer, once)
        headers |= {"Location": answer.body["urls"]["self"], **_headers(answer.body)}
        return Response(answer.body, status=answer.status, headers=headers)

    def _once(self, request: Request, body: dict[str, Any]) -> Once | None:
        header = request.headers.get(HEADER)
        if header is None:
            return None
        return Once.read(header, user=request.user, method=str(request.method), path=request.path, body=body)

    def _ask(self, request: Request, body: dict[str, Any]) -> Answer:
        generation = pipeline.request(user=person(request), **options(body))
        return Answer(status=202, body=self.shown(request, generation))

    def _wait(self, request: Request, answer: Answer, seconds: int) -> bool:
        return waiting.wait(self.found(request, uuid.UUID(answer.body["id"])), seconds)

    def _later(self, request: Request, answer: Answer, once: Once | None) -> Answer:
        body = self.shown(request, self.found(request, uuid.UUID(answer.body["id"])))
        later = Answer(status=200 if body["status"] in FINISHED else 202, body=body)
        if once:
            once.renew(later)
        return later


class GenerationDetail(GenerationDoor):
    """One generation."""

    parameters: ClassVar[frozenset[str]] = frozenset({"wait"})

    @docs.look
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """How it stands; ``?wait=`` answers when it is finished or the time is over."""
        seconds = waiting.asked(request.GET.get("wait", "0"))
        generation = self.found(request, pk)
        if waiting.wait(generation, seconds):
            generation = self.found(request, pk)
        etag = f'W/"{generation.pk}-{generation.version}-{get_language()}"'
        if _unchanged(request, etag):
            return Response(status=304, headers={"ETag": etag})
        body = self.shown(request, generation)
        return Response(body, headers={"ETag": etag, **_headers(body)})

    @docs.delete
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        """Delete pictures, files and words; what was paid stays on record."""
        generation = self.found(request, pk)
        require_own(request, generation, "delete_generation")
        pipeline.erase(generation)
        return Response(status=204)


class GenerationCancel(GenerationDoor):
    """Stop a generation."""

    @docs.cancel
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Stop what was not sent yet; what was sent is kept when it comes."""
        generation = self.found(request, pk)
        require_own(request, generation, "change_generation")
        self.no_body(request)
        return self.fresh(request, pipeline.cancel(generation, actor=person(request)))


class GenerationRetry(GenerationDoor):
    """Try a generation again."""

    permission_classes = [IsAuthenticated, MayGenerate]

    @docs.retry
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Ask again for what is missing: new calls, new money."""
        generation = self.found(request, pk)
        require_own(request, generation, "change_generation")
        self.no_body(request)
        return self.fresh(request, pipeline.retry(generation, actor=person(request)), status=202)


def _headers(body: dict[str, Any]) -> dict[str, str]:
    """``Retry-After`` while there is something to wait for."""
    if body["status"] in FINISHED:
        return {}
    if body["status"] == Status.UNCONFIRMED:
        return {"Retry-After": str(_PERSON_SECONDS)}
    least, usual, most = _AGAIN_SECONDS
    return {"Retry-After": str(min(max(body["eta_seconds"] or usual, least), most))}


def _unchanged(request: Request, etag: str) -> bool:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or etag.removeprefix("W/") in {each.removeprefix("W/") for each in known}

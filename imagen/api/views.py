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

from imagen import kept, pipeline, presentation
from imagen.api import docs, filters, pagination, throttles, waiting
from imagen.api.door import Door, unknown_fields
from imagen.api.idempotency import Answer, Once
from imagen.api.permissions import MayGenerate, person, require_own
from imagen.exceptions import FieldError, InvalidRequest, Refused
from imagen.models import Generation
from imagen.states import FINISHED, Status
from imagen.types import ImageRequest

ADDRESS = "webhook_url"
FIELDS = frozenset(field.name for field in fields(ImageRequest)) | {"metadata", ADDRESS}
_AGAIN_SECONDS = (1, 2, 10)
_PERSON_SECONDS = 60


def options(body: dict[str, Any], *, key: Any) -> dict[str, Any]:
    """The body as the pipeline takes it; unknown names are refused together with what else is wrong.

    ``key`` is what the request was let in with: only one that may can name an address to be told at.
    """
    if ADDRESS in body and not getattr(key, "webhook_urls", False):
        raise Refused(code="permission_denied", errors=(FieldError(field=ADDRESS, code="key_may_not"),))
    known = {name: value for name, value in body.items() if name in FIELDS}
    if errors := (*unknown_fields(body, FIELDS), *_beside(known)):
        raise InvalidRequest(errors=(*errors, *_also_wrong(known)))
    return known


def _beside(body: dict[str, Any]) -> tuple[FieldError, ...]:
    """What is wrong with the fields that are not about the picture, as far as nobody else says it."""
    null = [FieldError(field="metadata", code="not_an_object")] if body.get("metadata", {}) is None else []
    text = [] if isinstance(body.get(ADDRESS, ""), str) else [FieldError(field=ADDRESS, code="not_a_string")]
    return (*null, *text)


def _also_wrong(body: dict[str, Any]) -> tuple[Any, ...]:
    try:
        ImageRequest.build(**{name: value for name, value in body.items() if name not in ("metadata", ADDRESS)})
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
        found = self.found(request, generation.pk)
        body = self.shown(request, found)
        return Response(body, status=status, headers=headers_of(body, awaited=kept.of(found).waiting))


class Generations(GenerationDoor):
    """Ask for pictures; list what was asked."""

    parameters: ClassVar[frozenset[str]] = pagination.PARAMETERS | filters.FILTERS.keys()
    permission_classes = [IsAuthenticated, MayGenerate]
    writes = throttles.GENERATE

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
        once = Once.of(request, body)
        answer = once.answer(lambda: self._ask(request, body)) if once else self._ask(request, body)
        headers = answer.headers
        seconds = 0 if answer.replayed else waiting.preferred(request.headers.get("Prefer", ""))
        if seconds and self._wait(request, answer, seconds):
            headers["Preference-Applied"] = f"wait={seconds}"
            answer = self._later(request, answer, once)
        headers |= {"Location": answer.body["urls"]["self"], **headers_of(answer.body)}
        return Response(answer.body, status=answer.status, headers=headers)

    def _ask(self, request: Request, body: dict[str, Any]) -> Answer:
        generation = pipeline.request(user=person(request), **options(body, key=request.auth))
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
        if unchanged(request, etag):
            return Response(status=304, headers={"ETag": etag})
        body = self.shown(request, generation)
        return Response(body, headers={"ETag": etag, **headers_of(body, awaited=kept.of(generation).waiting)})

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
    writes = throttles.GENERATE

    @docs.retry
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Ask again for what is missing: what was paid for and is kept is fetched for free, the rest costs again."""
        generation = self.found(request, pk)
        require_own(request, generation, "change_generation")
        self.no_body(request)
        return self.fresh(request, pipeline.retry(generation, actor=person(request)), status=202)


def headers_of(body: dict[str, Any], *, awaited: bool = False) -> dict[str, str]:
    """``Retry-After`` while there is something to wait for, or a kept picture is ``awaited``."""
    if body["status"] in FINISHED:
        return {"Retry-After": str(_AGAIN_SECONDS[1])} if awaited else {}
    if body["status"] == Status.UNCONFIRMED:
        return {"Retry-After": str(_PERSON_SECONDS)}
    least, usual, most = _AGAIN_SECONDS
    return {"Retry-After": str(min(max(body["eta_seconds"] or usual, least), most))}


def unchanged(request: Request, etag: str) -> bool:
    """Whether the client has what this tag names."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or etag.removeprefix("W/") in {each.removeprefix("W/") for each in known}

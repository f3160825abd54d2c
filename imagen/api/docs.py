"""What the schema says about each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from imagen.api import serializers as shapes
from imagen.api.pagination import MAX_PAGE_SIZE, PAGE_SIZE
from imagen.api.problems import CONTENT_TYPE
from imagen.states import Status

_SENTENCES = {
    400: "Something in the request is wrong; `errors` names it.",
    401: "Sign in, or send a valid key or token.",
    402: "This costs more than what is left.",
    403: "This account may not do this, or the key lacks the scope for it.",
    404: "Nothing is there, or it is somebody else's.",
    406: "This address answers in another form than `Accept` names.",
    409: "Not as things stand.",
    411: "The body does not say how long it is.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The key was used for another request.",
    429: "Too many requests; `Retry-After` says when to come again.",
    503: "Try again later; `Retry-After` says when.",
}
SECURITY = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key, `imagen_…`."},
    "keyHeader": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same in another header."},
    "token": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Token <your token>`"},
    "session": {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "With `X-CSRFToken` on writes."},
}
_AUTH: Any = [{name: []} for name in SECURITY]
_REQUEST_EXAMPLE = {"prompt": "A lighthouse above a calm sea at dusk", "aspect_ratio": "16:9", "num_images": 2}
_EXAMPLES = [
    OpenApiExample("Two wide pictures", value=_REQUEST_EXAMPLE, request_only=True),
    OpenApiExample("The default", value={"prompt": "A red bicycle against a white wall"}, request_only=True),
]
_SECONDS = {"type": "integer", "minimum": 1}
_COUNT = {"type": "integer", "minimum": 0}
_KEY = {"type": "string", "pattern": "^[ -~]{1,255}$"}


def _tells(name: str, text: str, kind: Any, response: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, description=text, response=response)


_TOLD = [
    _tells("RateLimit-Limit", "How many requests of this kind are taken in a window.", _COUNT, True),
    _tells("RateLimit-Remaining", "How many of them are left.", _COUNT, True),
    _tells("RateLimit-Reset", "Seconds until a new window begins.", _SECONDS, True),
    _tells("Retry-After", "Seconds to wait.", _SECONDS, [429, 503]),
]


def _call(
    operation: str, summary: str, good: dict[Any, Any], *problems: int, **more: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    responses: dict[Any, Any] = {
        status: OpenApiResponse(shape, description=text) for status, (shape, text) in good.items()
    }
    for status in sorted({401, 403, 429, 503, *problems}):
        responses[status, CONTENT_TYPE] = OpenApiResponse(shapes.ProblemShape, description=_SENTENCES[status])
    more["parameters"] = [*more.get("parameters", ()), *_TOLD]
    described = extend_schema(operation_id=operation, summary=summary, responses=responses, auth=_AUTH, **more)

    def describe_view(view: Callable[..., Any]) -> Callable[..., Any]:
        setattr(view, "schema", AutoSchema)  # noqa: B010  # else it takes the one of the site's REST_FRAMEWORK
        return described(view)

    return describe_view


def _query(name: str, text: str, kind: Any = str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=text, **more)


def _header(name: str, text: str, kind: Any = str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, description=text)


_PAGES = [
    _query("cursor", "From `next` or `previous`."),
    _query(
        "page_size",
        f"At most {MAX_PAGE_SIZE}.",
        {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": PAGE_SIZE},
    ),
]
_FILTERS = [
    _query("status", "In this state.", enum=Status.values),
    _query("model", "Of this model."),
    _query("provider", "By this provider."),
    _query("created_after", "Asked at this time or later.", OpenApiTypes.DATETIME),
    _query("created_before", "Asked at this time or earlier.", OpenApiTypes.DATETIME),
    _query("batch", "Asked for in this batch.", OpenApiTypes.UUID),
    _query("search", "With these words in the prompt; your own only."),
]
_WAIT = _query(
    "wait", "Seconds to wait until it is finished.", {"type": "integer", "minimum": 0, "maximum": 60, "default": 0}
)

list_generations = _call(
    "listGenerations",
    "List generations",
    {200: (shapes.GenerationPage, "One page, newest first.")},
    400,
    parameters=[*_PAGES, *_FILTERS],
)
ask = _call(
    "createGeneration",
    "Ask for pictures",
    {
        202: (shapes.GenerationShape, "Taken; `Location` says where to look, `Retry-After` when."),
        200: (shapes.GenerationShape, "Finished while waiting, as `Prefer` asked."),
    },
    *(400, 402, 404, 409, 411, 413, 415, 422),
    request=shapes.GenerationRequest,
    parameters=[
        _header("Idempotency-Key", "The same key and body within 24 hours give the same answer and cost once.", _KEY),
        _header("Prefer", "`wait=N` waits up to N seconds, at most 60, for it to finish."),
    ],
    examples=_EXAMPLES,
)
look = _call(
    "getGeneration",
    "Look at a generation",
    {200: (shapes.GenerationShape, "How it stands."), 304: (None, "As it was; see `If-None-Match`.")},
    *(400, 404),
    parameters=[_WAIT, _header("If-None-Match", "The `ETag` of the answer you have.")],
)
cancel = _call(
    "cancelGeneration",
    "Cancel a generation",
    {200: (shapes.GenerationShape, "What was not sent yet is stopped.")},
    *(400, 404, 409),
    request=None,
)
retry = _call(
    "retryGeneration",
    "Try a generation again",
    {202: (shapes.GenerationShape, "What a gateway still keeps is fetched for free; the rest is bought anew.")},
    *(400, 402, 404, 409),
    request=None,
)
delete = _call("deleteGeneration", "Delete a generation", {204: (None, "Gone.")}, 404)
list_images = _call(
    "listImages", "List pictures", {200: (shapes.ImagePage, "One page, newest first.")}, 400, parameters=_PAGES
)
look_at_image = _call("getImage", "Look at a picture", {200: (shapes.ImageShape, "Its facts.")}, 404)
describe = _call(
    "updateImage",
    "Describe a picture",
    {200: (shapes.ImageShape, "As it is now.")},
    *(400, 404, 411, 413, 415),
    request=shapes.ImageTexts,
    examples=[OpenApiExample("Alternative text", value={"alt_text": "A lighthouse at dusk"}, request_only=True)],
)
delete_image = _call("deleteImage", "Delete a picture", {204: (None, "Gone.")}, 404)
list_models = _call("listModels", "List models", {200: (shapes.ModelShape(many=True), "In the order of preference.")})
quote = _call(
    "createQuote",
    "Ask for a price",
    {200: (shapes.QuoteShape, "The price; nothing is queued.")},
    *(400, 411, 413, 415),
    request=shapes.GenerationRequest,
    examples=_EXAMPLES,
)
used = _call(
    "getUsage",
    "Look at what was spent",
    {200: (shapes.UsageShape, "This month in UTC: yours, or everybody's with the permission to see it.")},
)

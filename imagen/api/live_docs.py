"""What the schema says about following a generation, and about batches."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample

from imagen.api.batch_shapes import BatchPage, BatchRequest, BatchShape
from imagen.api.docs import _EXAMPLES, _PAGES, _call, _header

_KEY = "The same key and body within 24 hours give the same answer and cost once."
_STREAM = (
    "Server-sent events: `status` on each change and `done` on the last, with the generation as JSON in `data` "
    "and an `id` that no other event has. A comment every 15 seconds keeps the connection open."
)

follow = _call(
    "followGeneration",
    "Follow a generation",
    {
        (200, "text/event-stream"): (OpenApiTypes.STR, _STREAM),
        204: (None, "It is finished, and you have seen it: do not come again."),
    },
    *(404, 406),
    parameters=[_header("Last-Event-ID", "The `id` of the last event you have; you are told what is newer.")],
)
_BATCH_EXAMPLE = {"requests": [value.value for value in _EXAMPLES], "metadata": {"campaign": "autumn"}}
list_batches = _call(
    "listBatches", "List batches", {200: (BatchPage, "One page, newest first.")}, 400, parameters=_PAGES
)
ask_many = _call(
    "createBatch",
    "Ask for many at once",
    {202: (BatchShape, "All are taken; `Location` says where to look, `Retry-After` when.")},
    *(400, 402, 404, 409, 411, 413, 415, 422),
    request=BatchRequest,
    parameters=[
        _header("Idempotency-Key", "The same key and body within 24 hours give the same answer and cost once.")
    ],
    examples=[OpenApiExample("Two requests", value=_BATCH_EXAMPLE, request_only=True)],
)
look_at_batch = _call(
    "getBatch",
    "Look at a batch",
    {200: (BatchShape, "How far it is."), 304: (None, "As it was; see `If-None-Match`.")},
    404,
    parameters=[_header("If-None-Match", "The `ETag` of the answer you have.")],
)
cancel_batch = _call(
    "cancelBatch",
    "Cancel a batch",
    {200: (BatchShape, "What was not sent yet is stopped.")},
    *(400, 404, 409),
    request=None,
)

"""The rows: what was asked, each paid call, each picture, and what happened to them."""

from imagen.models.clock import database_now
from imagen.models.erasure import Erasure
from imagen.models.event import Event
from imagen.models.gateway import Gateway, Tempo, Worker
from imagen.models.generation import Generation
from imagen.models.idempotency import IdempotencyKey
from imagen.models.image import Image
from imagen.models.job import Job, Move

__all__ = [
    "Erasure",
    "Event",
    "Gateway",
    "Generation",
    "IdempotencyKey",
    "Image",
    "Job",
    "Move",
    "Tempo",
    "Worker",
    "database_now",
]

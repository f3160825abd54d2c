"""The rows: what was asked, each paid call, each picture, and what happened to them."""

from imagen.models.alarm import Alarm
from imagen.models.clock import database_now
from imagen.models.erasure import Erasure
from imagen.models.event import Event
from imagen.models.gateway import Gateway, Tempo, Worker
from imagen.models.generation import Generation
from imagen.models.idempotency import IdempotencyKey
from imagen.models.image import Image
from imagen.models.job import Job, Move
from imagen.models.leftovers import leftovers
from imagen.models.listing import Listing

__all__ = [
    "Alarm",
    "Erasure",
    "Event",
    "Gateway",
    "Generation",
    "IdempotencyKey",
    "Image",
    "Job",
    "Listing",
    "Move",
    "Tempo",
    "Worker",
    "database_now",
    "leftovers",
]

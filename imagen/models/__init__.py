"""The rows: what was asked, each paid call, each picture, and what happened to them."""

from imagen.models.alarm import Alarm, Duty
from imagen.models.budget import Budget, Period, Purse, Scope
from imagen.models.clock import database_now
from imagen.models.erasure import Erasure
from imagen.models.event import Event
from imagen.models.gateway import Gateway, Tempo, Worker
from imagen.models.generation import Generation
from imagen.models.idempotency import IdempotencyKey
from imagen.models.image import Image
from imagen.models.job import Job
from imagen.models.ledger import Change, Entry, What
from imagen.models.leftovers import leftovers
from imagen.models.listing import Listing
from imagen.models.move import Move
from imagen.models.plea import Answer, Plea

__all__ = [
    "Alarm",
    "Answer",
    "Budget",
    "Change",
    "Duty",
    "Entry",
    "Erasure",
    "Event",
    "Gateway",
    "Generation",
    "IdempotencyKey",
    "Image",
    "Job",
    "Listing",
    "Move",
    "Period",
    "Plea",
    "Purse",
    "Scope",
    "Tempo",
    "What",
    "Worker",
    "database_now",
    "leftovers",
]

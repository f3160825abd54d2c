"""The rows: what was asked, each paid call, each picture, and what happened to them."""

from imagen.models.alarm import Alarm, Duty
from imagen.models.anomaly import Anomaly, Odd, Oddity
from imagen.models.api_key import ApiKey, KeyScope, KeyState
from imagen.models.batch import Batch
from imagen.models.budget import Budget, Period, Purse, Scope
from imagen.models.clock import Ago, database_now
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
from imagen.models.person import hold
from imagen.models.plea import Answer, Plea
from imagen.models.studio import QUESTION, Disclosure, HouseRule, Meaning, Placement, Studio, Style, Template
from imagen.models.webhook import Delivery, Endpoint

__all__ = [
    "QUESTION",
    "Ago",
    "Alarm",
    "Anomaly",
    "Answer",
    "ApiKey",
    "Batch",
    "Budget",
    "Change",
    "Delivery",
    "Disclosure",
    "Duty",
    "Endpoint",
    "Entry",
    "Erasure",
    "Event",
    "Gateway",
    "Generation",
    "HouseRule",
    "IdempotencyKey",
    "Image",
    "Job",
    "KeyScope",
    "KeyState",
    "Listing",
    "Meaning",
    "Move",
    "Odd",
    "Oddity",
    "Period",
    "Placement",
    "Plea",
    "Purse",
    "Scope",
    "Studio",
    "Style",
    "Template",
    "Tempo",
    "What",
    "Worker",
    "database_now",
    "hold",
    "leftovers",
]

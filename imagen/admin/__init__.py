"""The admin: look, ask, try again, cancel, delete; history is never edited."""

from imagen.admin.budget import BudgetAdmin
from imagen.admin.duty import DutyAdmin
from imagen.admin.generation import GenerationAdmin
from imagen.admin.image import ImageAdmin
from imagen.admin.ledger import EntryAdmin
from imagen.admin.plea import PleaAdmin
from imagen.admin.worker import WorkerAdmin

__all__ = [
    "BudgetAdmin",
    "DutyAdmin",
    "EntryAdmin",
    "GenerationAdmin",
    "ImageAdmin",
    "PleaAdmin",
    "WorkerAdmin",
]

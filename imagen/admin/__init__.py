"""The admin: look, ask, try again, cancel, delete; history is never edited."""

from imagen.admin.anomaly import AnomalyAdmin
from imagen.admin.api_key import ApiKeyAdmin
from imagen.admin.batch import BatchAdmin
from imagen.admin.budget import BudgetAdmin
from imagen.admin.delivery import DeliveryAdmin
from imagen.admin.duty import DutyAdmin
from imagen.admin.endpoint import EndpointAdmin
from imagen.admin.generation import GenerationAdmin
from imagen.admin.house import HouseRuleAdmin, StyleAdmin, TemplateAdmin
from imagen.admin.image import ImageAdmin
from imagen.admin.ledger import EntryAdmin
from imagen.admin.mixin import ImagenAdminMixin
from imagen.admin.plea import PleaAdmin
from imagen.admin.studio import StudioAdmin
from imagen.admin.worker import WorkerAdmin

__all__ = [
    "AnomalyAdmin",
    "ApiKeyAdmin",
    "BatchAdmin",
    "BudgetAdmin",
    "DeliveryAdmin",
    "DutyAdmin",
    "EndpointAdmin",
    "EntryAdmin",
    "GenerationAdmin",
    "HouseRuleAdmin",
    "ImageAdmin",
    "ImagenAdminMixin",
    "PleaAdmin",
    "StudioAdmin",
    "StyleAdmin",
    "TemplateAdmin",
    "WorkerAdmin",
]

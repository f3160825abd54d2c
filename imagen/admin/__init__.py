"""The admin: look, ask, try again, cancel, delete; history is never edited."""

from imagen.admin.alarm import AlarmAdmin
from imagen.admin.generation import GenerationAdmin
from imagen.admin.image import ImageAdmin
from imagen.admin.worker import WorkerAdmin

__all__ = ["AlarmAdmin", "GenerationAdmin", "ImageAdmin", "WorkerAdmin"]

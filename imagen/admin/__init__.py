"""The admin: look, ask, try again, cancel, delete; history is never edited."""

from imagen.admin.generation import GenerationAdmin
from imagen.admin.image import ImageAdmin
from imagen.admin.worker import WorkerAdmin

__all__ = ["GenerationAdmin", "ImageAdmin", "WorkerAdmin"]

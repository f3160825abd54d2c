"""The project with a storage that lies when it is told to."""

from project.settings import *  # noqa: F403
from project.settings import MEDIA_ROOT, STORAGES

STORAGES = {
    **STORAGES,
    "imagen": {"BACKEND": "tests.faults.services.lying.Lying", "OPTIONS": {"location": str(MEDIA_ROOT / "private")}},
}

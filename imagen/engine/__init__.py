"""The worker's loop: one process, one event loop, many jobs under way."""

from imagen.engine.loop import Engine, drive, serve

__all__ = ["Engine", "drive", "serve"]

"""The Studio: the page where editors ask for pictures, see them come, and choose one."""

from imagen.admin.studio.page import StudioAdmin

__all__ = ["StudioAdmin"]

"""Every test here has an impatient engine and the gateway."""

from tests.workshop import ask, made, quick, reach, site, work

__all__ = ["ask", "made", "quick", "reach", "site", "work"]

"""Every test here has an impatient engine and the gateway, and leaves rows and files as they have to be."""

from tests.workshop import ask, by_hand, lawful, made, quick, reach, site, work

__all__ = ["ask", "by_hand", "lawful", "made", "quick", "reach", "site", "work"]

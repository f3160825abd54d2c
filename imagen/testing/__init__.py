"""What users test with: a loopback gateway, the contract every vendor keeps, pytest fixtures."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagen.testing.contract import ProviderContract
    from imagen.testing.gateway import Gateway
    from imagen.testing.ledger import Script

__all__ = ["Gateway", "ProviderContract", "Script"]

_HOMES = {"Gateway": "gateway", "ProviderContract": "contract", "Script": "ledger"}


def __getattr__(name: str) -> Any:
    """Import late: the gateway runs without pytest, and as ``python -m imagen.testing.gateway``."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

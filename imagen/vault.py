"""What is kept encrypted: readable with any key of ``IMAGEN["ENCRYPTION_KEYS"]``, written with the first."""

from __future__ import annotations

from typing import Any

from imagen.conf import settings
from imagen.exceptions import VaultClosed


def is_open() -> bool:
    """Whether something can be encrypted here."""
    try:
        _keys()
    except VaultClosed:
        return False
    return True


def lock(text: str) -> str:
    """This text as ciphertext; ``VaultClosed`` without a key or without ``cryptography``."""
    return str(_keys().encrypt(text.encode()).decode())


def unlock(ciphertext: str) -> str:
    """The text behind a ciphertext; ``VaultClosed`` when none of the keys opens it."""
    keys = _keys()
    from cryptography.fernet import InvalidToken  # noqa: PLC0415  # an extra that a site may live without

    try:
        return str(keys.decrypt(ciphertext.encode()).decode())
    except InvalidToken:
        raise VaultClosed("none of ENCRYPTION_KEYS opens this") from None


def opens(ciphertext: str) -> bool:
    """Whether this can be read here."""
    try:
        unlock(ciphertext)
    except VaultClosed:
        return False
    return True


def turn(ciphertext: str) -> str:
    """The same secret as the first key writes it."""
    return lock(unlock(ciphertext))


def _keys() -> Any:
    try:
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415  # as above
    except ImportError:
        raise VaultClosed("cryptography is not installed") from None
    if not settings.ENCRYPTION_KEYS:
        raise VaultClosed("ENCRYPTION_KEYS is empty")
    try:
        return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])
    except (TypeError, ValueError):
        raise VaultClosed("ENCRYPTION_KEYS holds something that is no key") from None

"""Mails that hold nobody up: sent from a thread of their own, and only logged when they cannot be."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from django.conf import settings as django_settings
from django.core.mail import mail_admins, send_mail
from django.db import transaction
from django.utils import translation

logger = logging.getLogger("imagen")
Words = Callable[[], tuple[str, str]]


def to_administrators(words: Words) -> None:
    """Mail the site's ADMINS once the transaction is committed; ``words`` makes subject and text."""
    _after_commit(mail_admins, words)


def to(addresses: Collection[str], words: Words) -> None:
    """The same for these addresses, each in a mail of its own."""
    for address in filter(None, addresses):
        _after_commit(partial(_mail, address), words)


def _mail(address: str, subject: str, text: str) -> None:
    send_mail(subject, text, None, [address])


def _after_commit(send: Callable[[str, str], Any], words: Words) -> None:
    with translation.override(django_settings.LANGUAGE_CODE):  # the site's, not that of whoever asks
        subject, text = words()
    transaction.on_commit(lambda: _start(send, subject, text), robust=True)


def _start(send: Callable[[str, str], Any], subject: str, text: str) -> None:
    threading.Thread(target=_send, args=(send, subject, text), daemon=True).start()


def _send(send: Callable[[str, str], Any], subject: str, text: str) -> None:
    try:
        send(subject, text)
    except Exception:  # a mail backend may fail in any way; what it said is shown in the admin as well
        logger.warning("a mail could not be sent", exc_info=True)

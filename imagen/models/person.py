"""What is counted for each person is counted by one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def hold(user: AbstractBaseUser) -> None:
    """Keep others from counting what is this person's until the transaction ends; who only refers to them may go on."""
    get_user_model()._base_manager.select_for_update(no_key=True).get(pk=user.pk)

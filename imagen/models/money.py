"""Amounts of the site's currency, exact in every database."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

PLACES = 6

if TYPE_CHECKING:
    Whole = models.DecimalField[Any, Any]  # what a row takes and gives
else:
    Whole = models.BigIntegerField


class MoneyField(Whole):
    """A decimal amount kept as whole millionths: sums and comparisons are exact, also where decimals are floats."""

    default_error_messages = {"invalid": _("“%(value)s” is not an amount of money.")}

    def from_db_value(self, value: Any, *args: Any) -> Decimal | None:
        """The amount of so many millionths."""
        return None if value is None else Decimal(int(value)).scaleb(-PLACES)

    def to_python(self, value: Any) -> Decimal | None:
        """The amount in this text or number."""
        if value is None:
            return None
        try:
            return Decimal(str(value))
        except InvalidOperation:
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": value}) from None

    def get_prep_value(self, value: Any) -> int | None:
        """So many millionths, half a one rounded up."""
        if value is None:
            return None
        return int(Decimal(value).scaleb(PLACES).to_integral_value(ROUND_HALF_UP))

    def formfield(self, **kwargs: Any) -> Any:
        """A field for an amount of at least nothing."""
        ours = {"form_class": forms.DecimalField, "min_value": 0, "max_digits": 12, "decimal_places": 4}
        return models.Field.formfield(self, **{**ours, **kwargs})

    def value_to_string(self, obj: models.Model) -> str:
        """The amount as text, for fixtures."""
        return str(self.value_from_object(obj))


def amount(value: Decimal | int) -> models.Value:
    """An amount to reckon with in the database."""
    return models.Value(Decimal(value), output_field=MoneyField())

"""What the house offers somebody in the Studio: styles, templates and rules, read once for a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagen import wording
from imagen.models import HouseRule, Style, Template

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything that may be added to an editor's own words."""

    styles: tuple[Style, ...]
    templates: tuple[Template, ...]
    rules: tuple[HouseRule, ...]

    @classmethod
    def open_to(cls, user: AbstractBaseUser) -> House:
        """What is offered to this person."""
        styles: Any = Style.objects.of(user).filter(active=True)
        templates: Any = Template.objects.of(user).filter(active=True)
        return cls(
            styles=tuple(styles.select_related("example")),
            templates=tuple(templates),
            rules=tuple(wording.in_use()),
        )

    def style(self, pk: str) -> Style | None:
        """The style of this key, if it is offered."""
        return next((style for style in self.styles if str(style.pk) == pk), None)

    def template(self, pk: str) -> Template | None:
        """The template of this key, if it is offered."""
        return next((template for template in self.templates if str(template.pk) == pk), None)

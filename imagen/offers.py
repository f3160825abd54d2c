"""What is for sale: models, the offers of them, what each can do and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from imagen.exceptions import FieldError, UnsupportedParameter
from imagen.types import (
    ASPECT_RATIOS,
    MAX_IMAGES,
    MAX_PROMPT,
    MAX_SEED,
    OUTPUT_FORMATS,
    RESOLUTIONS,
    ImageRequest,
)

IMAGEN_RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4")
BANANA_RATIOS = ("1:1", "3:2", "2:3", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
WIDE_RATIOS = (*BANANA_RATIOS, "1:4", "4:1", "1:8", "8:1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model under the name we give it, whoever sells it; dates and successors are Google's."""

    id: str
    name: str
    retired_upstream_on: date | None = None
    successor: str = ""


# https://firebase.google.com/docs/ai-logic/imagen-models-migration
_SWITCHED_OFF = date(2026, 8, 17)
MODELS = {
    model.id: model
    for model in (
        Model(id="imagen-4", name="Imagen 4", retired_upstream_on=_SWITCHED_OFF, successor="nano-banana-2.1"),
        Model(id="imagen-4-fast", name="Imagen 4 Fast", retired_upstream_on=_SWITCHED_OFF, successor="nano-banana-2.1"),
        Model(
            id="imagen-4-ultra", name="Imagen 4 Ultra", retired_upstream_on=_SWITCHED_OFF, successor="nano-banana-pro"
        ),
        Model(id="nano-banana-2.1", name="Nano Banana 2.1"),
        Model(id="nano-banana-pro", name="Nano Banana Pro"),
        Model(
            id="nano-banana-2",
            name="Nano Banana 2",
            retired_upstream_on=date(2026, 10, 29),
            successor="nano-banana-2.1",
        ),
        Model(id="nano-banana-2-lite", name="Nano Banana 2 Lite"),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one image costs: ``amount`` is ``None`` while nobody says, ``unit`` a currency or ``credits``."""

    amount: Decimal | None = None
    unit: str = "USD"

    @classmethod
    def of(cls, amount: str, unit: str = "USD") -> Price:
        """A price from its decimal text."""
        return cls(amount=Decimal(amount), unit=unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One model as one provider sells it: its id there, what may be sent, price, end date, successor.

    ``resolutions`` and ``output_formats`` name the default first; empty means the parameter does not exist.
    """

    model: str
    id: str
    aspect_ratios: tuple[str, ...] = IMAGEN_RATIOS
    resolutions: tuple[str, ...] = ()
    output_formats: tuple[str, ...] = ()
    negative_prompt: bool = False
    seed: bool = False
    images_per_call: int = 1
    min_prompt: int = 1
    max_prompt: int = MAX_PROMPT
    price: Price = field(default_factory=Price)
    poll_seconds: float = 0.0
    retired_upstream_on: date | None = None
    successor: str = ""

    def misfits(self, request: ImageRequest) -> tuple[FieldError, ...]:
        """The fields of the request this offer cannot honour."""
        wrong = {
            "aspect_ratio": request.aspect_ratio not in self.aspect_ratios,
            "resolution": request.resolution is not None and request.resolution not in self.resolutions,
            "output_format": request.output_format is not None and request.output_format not in self.output_formats,
            "negative_prompt": bool(request.negative_prompt) and not self.negative_prompt,
            "seed": request.seed is not None and not self.seed,
            "prompt": not self.min_prompt <= len(request.prompt) <= self.max_prompt,
        }
        return tuple(FieldError(field=name, code="unsupported_parameter") for name, bad in wrong.items() if bad)

    def verify(self, request: ImageRequest) -> None:
        """Refuse, before anybody pays, what this offer would silently drop."""
        if wrong := self.misfits(request):
            raise UnsupportedParameter(errors=wrong, model=self.model)

    def settle(self, request: ImageRequest) -> ImageRequest:
        """The request as this offer takes it: its model, and its default resolution when none was asked."""
        resolution = request.resolution or (self.resolutions[0] if self.resolutions else None)
        return replace(request, model=self.model, resolution=resolution)

    def split(self, request: ImageRequest) -> tuple[ImageRequest, ...]:
        """The calls that together make the request: each at most ``images_per_call`` images."""
        full, rest = divmod(request.num_images, self.images_per_call)
        counts = [self.images_per_call] * full + ([rest] if rest else [])
        return tuple(replace(request, num_images=count) for count in counts)

    def said(self, request: ImageRequest) -> dict[str, Any]:
        """What the request says beyond prompt and aspect ratio, as far as this offer has the parameter."""
        asked = {
            "negative_prompt": request.negative_prompt if self.negative_prompt else "",
            "resolution": request.resolution if self.resolutions else None,
            "num_images": request.num_images if self.images_per_call > 1 else None,
            "seed": request.seed if self.seed else None,
            "output_format": request.output_format if self.output_formats else None,
        }
        return {name: value for name, value in asked.items() if value not in (None, "")}

    def cost(self, images: int) -> Decimal | None:
        """What so many images cost, in ``price.unit``; ``None`` while the price is unknown."""
        return None if self.price.amount is None else self.price.amount * images

    @property
    def parameters(self) -> dict[str, Any]:
        """JSON Schema of what may be sent."""
        found: dict[str, Any] = {
            "prompt": {"type": "string", "minLength": self.min_prompt, "maxLength": self.max_prompt},
            "aspect_ratio": {"type": "string", "enum": list(self.aspect_ratios), "default": "1:1"},
            "num_images": {"type": "integer", "minimum": 1, "maximum": MAX_IMAGES, "default": 1},
        }
        if self.resolutions:
            found["resolution"] = {"type": "string", "enum": list(self.resolutions), "default": self.resolutions[0]}
        if self.output_formats:
            found["output_format"] = {"type": "string", "enum": list(self.output_formats)}
        if self.negative_prompt:
            found["negative_prompt"] = {"type": "string", "maxLength": MAX_PROMPT}
        if self.seed:
            found["seed"] = {"type": "integer", "minimum": -1, "maximum": MAX_SEED}
        return {"type": "object", "properties": found, "required": ["prompt"], "additionalProperties": False}

    def amend(self, changes: dict[str, Any]) -> Offer:
        """This offer with the site's corrections; ``ValueError`` names what cannot be one."""
        return replace(self, **{name: _amendment(name, value, self) for name, value in changes.items()})


def catalogue(*offers: Offer) -> dict[str, tuple[Offer, ...]]:
    """The offers by model, in the order given."""
    return {model: tuple(offer for offer in offers if offer.model == model) for model in (o.model for o in offers)}


def described(schema: dict[str, Any]) -> Offer:
    """An offer of no model yet, by the JSON Schema of what may be sent; ``ValueError`` when we could not fill it in."""
    known = schema["properties"]
    if not (ratios := _choices(known["aspect_ratio"], ASPECT_RATIOS)):
        raise ValueError("it does not say which aspect ratios it takes")
    if strange := set(schema.get("required") or ()) - {"prompt"}:
        raise ValueError(f"it needs more than a prompt: {', '.join(map(str, strange))}")
    return Offer(
        model="",
        id="",
        aspect_ratios=ratios,
        resolutions=_choices(known.get("resolution") or {}, RESOLUTIONS),
        output_formats=_choices(known.get("output_format") or {}, OUTPUT_FORMATS),
        negative_prompt="negative_prompt" in known,
        seed="seed" in known,
        images_per_call=_bound((known.get("num_images") or {}).get("maximum", 1), MAX_IMAGES),
        max_prompt=_bound(known["prompt"].get("maxLength", MAX_PROMPT), MAX_PROMPT),
    )


def _choices(schema: dict[str, Any], ours: tuple[str, ...]) -> tuple[str, ...]:
    """The choices we have a word for, the default first."""
    known = dict.fromkeys(choice for choice in schema.get("enum") or () if choice in ours)
    return tuple(sorted(known, key=lambda choice: choice != schema.get("default")))


def _bound(limit: Any, ours: int) -> int:
    return max(1, min(int(limit), ours))


def money(value: Any) -> Decimal | None:
    """An amount as a gateway's JSON says it, to six decimals; ``None`` for what is no amount of money."""
    if type(value) not in (int, float) or not 0 <= value < 10**8:
        return None
    return Decimal(f"{value:.6f}".rstrip("0").rstrip("."))


def _amendment(name: str, value: Any, offer: Offer) -> Any:
    if name not in {known.name for known in fields(Offer)} - {"model"}:
        raise ValueError(f"an offer has no {name!r}")
    current = getattr(offer, name)
    if isinstance(current, Price):
        return _price(value, current)
    if name == "retired_upstream_on":
        return _date(value)
    return _like(name, value, current)


def _like(name: str, value: Any, current: Any) -> Any:
    if isinstance(current, tuple) and isinstance(value, list | tuple):
        return tuple(str(item) for item in value)
    if isinstance(current, float) and type(value) is int:
        value = float(value)
    if type(value) is not type(current):
        raise ValueError(f"{name} {value!r} is not of the type {type(current).__name__}")
    if name in ("images_per_call", "min_prompt", "max_prompt") and value < 1:
        raise ValueError(f"{name} must be at least 1")
    return value


def _price(value: Any, current: Price) -> Price:
    if isinstance(value, dict):
        return replace(_price(value.get("amount"), current), unit=str(value.get("unit", current.unit)))
    try:
        amount = None if value is None else Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"price {value!r} is not a number") from error
    if amount is not None and (not amount.is_finite() or amount < 0):
        raise ValueError(f"price {value!r} is not a price")
    return replace(current, amount=amount)


def _date(value: Any) -> date | None:
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"retired_upstream_on {value!r} is not a date") from error

"""Every error of ours, named by what the caller does next."""

from __future__ import annotations

import dataclasses
from typing import Any


class ImagenError(Exception):
    """The root: it carries a code of the public contract and the facts its sentence needs."""

    code = "internal_error"

    def __init__(self, message: str = "", *, code: str = "", **params: Any) -> None:
        super().__init__(message or code or self.code)
        self.message = message
        self.code = code or self.code
        self.params = params


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One thing wrong with one field; ``params`` fill the sentence of ``code``."""

    field: str
    code: str
    params: dict[str, Any] = dataclasses.field(default_factory=dict)


class Refused(ImagenError):
    """The request cannot be taken as it stands; nothing was queued, nothing was spent."""

    code = "invalid_request"

    def __init__(
        self, message: str = "", *, code: str = "", errors: tuple[FieldError, ...] = (), **params: Any
    ) -> None:
        super().__init__(message, code=code, **params)
        self.errors = errors


class InvalidRequest(Refused):
    """A field is missing, of the wrong type or out of bounds: correct it."""


class UnsupportedParameter(Refused):
    """The chosen model cannot do what a field asks: change the field or the model."""

    code = "unsupported_parameter"


class ModelUnknown(Refused):
    """No offer has this model: choose another."""

    code = "model_unknown"


class ProviderNotConfigured(Refused):
    """The provider has no key here: choose another or ask the administrator."""

    code = "provider_not_configured"


class PromptBlocked(Refused):
    """The description breaks a rule of the site: use other words."""

    code = "prompt_blocked"


class BudgetExceeded(Refused):
    """It costs more than a budget has left: ask for less, wait for the next period, or ask for more money."""

    code = "budget_exceeded"


class VaultClosed(Refused):
    """Nothing can be encrypted or read here: ask the administrator for ``ENCRYPTION_KEYS``."""

    code = "webhooks_not_configured"


class Conflict(ImagenError):
    """There is nothing to do in this state: look again."""

    code = "conflict"


class TransitionError(ImagenError):
    """Somebody else moved the row first: stop silently."""


class ProviderError(ImagenError):
    """A call to a provider failed."""

    code = "provider_failed"


class Declined(ProviderError):
    """Certainly not accepted, and asking again changes nothing: fail, release the money."""

    code = "provider_rejected"


class NotFound(Declined):
    """The provider does not know what the call names: a model that is gone, or a job that is lost."""

    code = "model_retired"


class Busy(ProviderError):
    """Certainly not accepted now: wait ``retry_after`` seconds (``None``: unsaid), then ask again."""

    code = "provider_rate_limited"

    def __init__(self, message: str = "", *, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Unclear(ProviderError):
    """Nobody knows whether the call was accepted: never send it again without idempotency."""

    code = "submit_unknown"


class Unreadable(Unclear):
    """The provider answered in a shape we do not know."""

    code = "provider_protocol_error"


class BadSignature(ImagenError):
    """Something signed, a webhook or a token, that does not prove where it comes from: ignore it."""


class Expired(BadSignature):
    """Something signed by us for too short a time: have it signed again."""


class EgressBlocked(ImagenError):
    """The address is not one we may connect to: no retry."""

    code = "egress_blocked"


class OutputError(ImagenError):
    """An output could not be taken in; ``code`` says why, ``tries`` in how many rounds it may yet come."""

    code = "output_invalid"

    def __init__(self, message: str = "", *, code: str = "", tries: int = 1) -> None:
        super().__init__(message, code=code)
        self.tries = tries


class StorageError(ImagenError):
    """Our own storage did not take the file: keep the job, try again later."""

    code = "storage_unavailable"

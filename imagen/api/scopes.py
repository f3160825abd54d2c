"""What an API key has to open for a call: by method, where a view does not say otherwise in ``scopes``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rest_framework.request import Request

from imagen.exceptions import FieldError, Refused
from imagen.models import ApiKey, KeyScope

if TYPE_CHECKING:
    from imagen.api.door import Door

REALM = 'Bearer realm="imagen"'
BY_METHOD: Mapping[str, str] = {
    **dict.fromkeys(("GET", "HEAD", "OPTIONS"), KeyScope.READ),
    "POST": KeyScope.GENERATE,
    **dict.fromkeys(("PUT", "PATCH", "DELETE"), KeyScope.MANAGE),
}


class ScopeMissing(Refused):
    """The key does not open this: take another, or have one made that does."""

    code = "permission_denied"

    def __init__(self, scope: str) -> None:
        super().__init__(errors=(FieldError(field="scope", code="scope_missing", params={"scope": scope}),))
        self.auth_header = f'{REALM}, error="insufficient_scope", scope="{scope}"'


def needed(view: type[Door] | Door, method: str) -> str:
    """The scope that this method of this view needs; of a method nobody knows, the strongest."""
    return str({**BY_METHOD, **view.scopes}.get(method, KeyScope.MANAGE))


def require(request: Request, view: Door) -> None:
    """Refuse a key that does not open this call; whoever comes without a key is not limited by one."""
    scope = needed(view, str(request.method))
    if isinstance(request.auth, ApiKey) and not request.auth.opens(scope):
        raise ScopeMissing(scope)

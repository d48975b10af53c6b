"""The declaration that the end user consents to biometric processing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from perse.api.http.forms import FieldKind, Form, FormField
from perse.domain.consent import Declaration
from perse.errors import InvalidParameter

CONSENT = FormField(
    "client_declaration_enduser_consent",
    FieldKind.TEXT,
    "`true` declares that the end user consents to the processing; `false` forbids it.",
    required=False,
    example="true",
)
_DECLARATIONS: Mapping[str | None, Declaration] = MappingProxyType(
    {"true": Declaration.GIVEN, "false": Declaration.REFUSED, None: Declaration.ABSENT}
)


def declaration_of(form: Form) -> Declaration:
    """What the form declares. Raises InvalidParameter for any text but ``true`` and ``false``."""
    declared = form.text(CONSENT.name)
    if declared not in _DECLARATIONS:
        raise InvalidParameter(f"{CONSENT.name} is either true or false")
    return _DECLARATIONS[declared]

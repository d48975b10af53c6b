"""The declaration that the end user consents, and which operations need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from perse.api.http.forms import FieldKind, Form, FormField
from perse.domain.consent import Declaration, Processing
from perse.domain.references import UserToken, parse_user_token
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


@dataclass(frozen=True, slots=True)
class Processes:
    """What an operation does with what is biometric, as the consent ledger calls it.

    ``of_user``: what it does instead when the form holds that field, a user's token. ``in_path``:
    the part of the path that is the user's token.
    ``with_change``: the use case writes it, in one transaction with the change that it makes;
    everything else is written when the form has been read.
    """

    processing: Processing
    of_user: tuple[FormField, Processing] | None = None
    with_change: bool = False
    in_path: str | None = None

    def of(self, form: Form, path: Mapping[str, str]) -> tuple[Processing, UserToken | None]:
        """What this form asks for, and of which user. Raises as reading a token does."""
        if self.in_path is not None:
            return self.processing, parse_user_token(path[self.in_path])
        if self.of_user is not None:
            field, processing = self.of_user
            if form.has(field.name):
                return processing, parse_user_token(form.required_text(field.name))
        return self.processing, None

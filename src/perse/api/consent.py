"""The declaration that the end user consents to biometric processing."""

from __future__ import annotations

from perse.api.forms import FieldKind, Form, FormField
from perse.errors import EnduserConsentRequired, InvalidParameter

CONSENT = FormField(
    "client_declaration_enduser_consent",
    FieldKind.TEXT,
    "`true` declares that the end user consents to the processing; `false` forbids it.",
    required=False,
    example="true",
)


def check_consent(form: Form, *, required: bool) -> None:
    """Go on only when nothing speaks against it. Raises EnduserConsentRequired.

    Absence counts as no declaration, which ``required`` refuses. Raises InvalidParameter for any
    text but ``true`` and ``false``.
    """
    declared = form.text(CONSENT.name)
    if declared == "false":
        raise EnduserConsentRequired("the end user's consent was declared to be missing")
    if declared is None and required:
        raise EnduserConsentRequired(f"declare the end user's consent: {CONSENT.name}=true")
    if declared not in (None, "true"):
        raise InvalidParameter(f"{CONSENT.name} is either true or false")

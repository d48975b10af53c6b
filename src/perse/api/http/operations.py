"""An operation of the API, declared once: routes and documentation both come from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from perse.api.http.answers import Answer
from perse.api.http.calls import Call
from perse.api.http.consent import CONSENT, Processes
from perse.api.http.forms import FieldKind, FormField
from perse.api.http.needs import Needs
from perse.errors import PerseError

AnswerCall = Callable[[Call], Awaitable[Answer | Response]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """What an operation takes beside its body. ``location``: path, query or header; ``schema``: in
    OpenAPI's words."""

    name: str
    location: str
    description: str
    schema: dict[str, Any]

    @property
    def required(self) -> bool:
        return self.location == "path"


@dataclass(frozen=True, slots=True)
class Operation:
    """``answer`` does the work and raises the ``errors``; ``success`` is what it returns,
    None for plain text.

    ``path`` has no trailing slash and is served with one too. ``one_of``: alternative sets of
    fields, of which one must be sent beside the required ones. ``json_body``: JSON schema of a
    body that is no form. Refusals, overload and faults need not be listed, every operation has
    them. ``processes``: None says that nothing biometric is processed; a form of one that does
    takes the declaration of consent, too. ``needs``: what the caller's API key must be allowed;
    None says that nobody needs to be known. ``tells_version``: the answer has an ``ETag``.
    """

    method: str
    path: str
    answer: AnswerCall
    success: type[Answer] | None
    summary: str
    tag: str
    processes: Processes | None
    needs: Needs | None
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    form: tuple[FormField, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    json_body: dict[str, Any] | None = None
    errors: tuple[type[PerseError], ...] = ()
    example: dict[str, Any] | None = None
    tells_version: bool = False

    def __post_init__(self) -> None:
        files = [field.name for field in self.form if field.kind is not FieldKind.TEXT]
        if files and self.processes is None:
            raise ValueError(f"{self.path} takes {files[0]}: say what it processes")

    @property
    def secured(self) -> bool:
        """Whether a caller must be known."""
        return self.needs is not None

    @property
    def fields(self) -> tuple[FormField, ...]:
        """Of its form; none where there is none."""
        return (*self.form, CONSENT) if self.form and self.processes else self.form

"""In whose name a command works: an API key's, as if its owner had called."""

from __future__ import annotations

from typing import Annotated

import typer

from perse.bootstrap.storage import opened_key_list
from perse.domain.access import Caller
from perse.errors import InvalidParameter
from perse.settings import Settings

KeyName = Annotated[
    str | None,
    typer.Option("--key", help="Work in the name of this API key; not needed with one tenant."),
]


def caller_named(settings: Settings, name: str | None) -> Caller:
    """Raises NotFound for an unknown name, and InvalidParameter where one has to be said."""
    with opened_key_list(settings) as keys:
        if name is not None:
            return keys.active_named(name).caller
        active = [key for key in keys.all() if key.active]
    if not active:
        raise InvalidParameter("there is no API key yet: make one with perse keys create NAME")
    if len({key.tenant_id for key in active}) > 1:
        raise InvalidParameter(
            "there are several tenants: say in whose name with --key NAME (perse keys list)"
        )
    return active[0].caller

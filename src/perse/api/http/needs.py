"""What an operation asks of an API key before it does anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from perse.api.http.forms import Form
from perse.domain.access import Caller, Permission

Permissions = frozenset[Permission]


@dataclass(frozen=True, slots=True)
class Needs:
    """The permissions that it asks for; ``with_field``: those that it asks for instead where its
    form has that field."""

    permissions: Permissions
    with_field: Mapping[str, Permissions]

    @classmethod
    def of(cls, *permissions: Permission, **with_field: tuple[Permission, ...]) -> Self:
        """``Needs.of(FACES, user_token=(VERIFY,))``. Of none: whoever has a key."""
        return cls(frozenset(permissions), {name: frozenset(it) for name, it in with_field.items()})

    def check_before(self, caller: Caller) -> None:
        """Before a byte of the body is read. Raises PermissionMissing where no form would do."""
        if not any(it <= caller.permissions for it in self._ways()):
            caller.check(self.permissions)

    def check(self, caller: Caller, form: Form) -> None:
        """Once it is known what was sent. Raises PermissionMissing."""
        asked = [it for name, it in self.with_field.items() if form.has(name)]
        caller.check(frozenset().union(*asked) if asked else self.permissions)

    @property
    def sentence(self) -> str:
        """For the documentation; empty where nothing is asked for."""
        if not self.permissions:
            return ""
        instead = (f"; with `{name}`, {_listed(it)}" for name, it in self.with_field.items())
        return f"Needs an API key that may {_listed(self.permissions)}{''.join(instead)}."

    def _ways(self) -> Iterator[Permissions]:
        yield self.permissions
        yield from self.with_field.values()


ANY_KEY = Needs.of()


def _listed(permissions: Permissions) -> str:
    return " and ".join(f"`{it}`" for it in Permission if it in permissions)

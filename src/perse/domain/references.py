"""Templates: what is compared, and whose they are."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

import numpy as np
from numpy.typing import NDArray

from perse.domain.samples import ModelName
from perse.errors import InvalidParameter, ReferenceModelMismatch, UserTokenNotFound

_UNIT_TOLERANCE = 1e-3
# So many tokens are cut out of the text one by one; more are left out while it is made anew.
_FEW = 8
UserToken = NewType("UserToken", str)


_TOKEN_SHAPE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def new_user_token() -> UserToken:
    """A random UUID: 122 bits that nobody guesses, and never the word ``list``."""
    return UserToken(str(uuid.uuid4()))


def parse_user_token(text: str) -> UserToken:
    """Raises UserTokenNotFound for a text that no token of ours has the shape of."""
    canonical = text.strip().lower()
    if not _TOKEN_SHAPE.fullmatch(canonical):
        raise UserTokenNotFound("no user has this user_token: tokens are UUIDs, as enrolment gave")
    return UserToken(canonical)


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """Unit vector (float32, one dimension) and the name of the network that made it."""

    vector: NDArray[np.float32]
    model: ModelName

    def __post_init__(self) -> None:
        if self.vector.dtype != np.float32 or self.vector.ndim != 1:
            raise InvalidParameter("a template must be a one-dimensional float32 vector")
        if not abs(float(np.linalg.norm(self.vector)) - 1.0) < _UNIT_TOLERANCE:
            raise InvalidParameter("a template must be a unit vector")

    @classmethod
    def of(cls, features: NDArray[np.float32], model: ModelName) -> Template:
        """Normalise ``features``. Raises InvalidParameter when they have no direction."""
        length = float(np.linalg.norm(features))
        if not (np.isfinite(length) and length > 0):
            raise InvalidParameter("features without direction make no template")
        return cls((features / length).astype(np.float32), model)

    def cosine(self, other: Template) -> float:
        """-1..1, higher = more similar. Raises ReferenceModelMismatch across networks."""
        if self.model != other.model:
            raise ReferenceModelMismatch(
                f"templates of {self.model} and {other.model} do not compare: "
                "make both with the same network"
            )
        return float(np.clip(self.vector @ other.vector, -1.0, 1.0))

    def __repr__(self) -> str:
        return f"Template({self.model}, {len(self.vector)} values)"


@dataclass(frozen=True, slots=True)
class ReferenceRecord:
    """What is known of an enrolled user beside the template. ``quality``: the face's metrics by
    name when it was captured. Times are aware, UTC."""

    user_token: UserToken
    model: ModelName
    quality: Mapping[str, float]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class BiometricReference:
    """A template attributed to an enrolled user. Raises InvalidParameter when models disagree."""

    record: ReferenceRecord
    template: Template

    def __post_init__(self) -> None:
        if self.record.model != self.template.model:
            raise InvalidParameter("a reference and its template name different models")


class UserTokens:
    """The tokens of a tenant's users, the oldest first.

    Kept as the items of a JSON array, which is what they are answered as: 100,000 of them are one
    piece of memory.
    """

    __slots__ = ("_count", "_items")

    def __init__(self, items: bytes = b"", count: int = 0) -> None:
        """``items``: tokens in quotes, separated by commas; ``count``: how many."""
        self._items = items
        self._count = count

    @classmethod
    def of(cls, tokens: Iterable[str]) -> UserTokens:
        known = list(tokens)
        text = '"' + '","'.join(known) + '"' if known else ""
        return cls(text.encode("ascii"), len(known))

    def changed(self, changes: Iterable[tuple[UserToken, bool]]) -> UserTokens:
        """What is left after ``changes`` in their order; True stands for a removal."""
        ordered = list(changes)
        removed = {token for token, gone in ordered if gone}
        added = UserTokens.of(token for token, gone in ordered if not gone and token not in removed)
        kept = self._without(removed)
        items = b",".join(filter(None, [kept._items, added._items]))
        return UserTokens(items, kept._count + added._count)

    def _without(self, removed: Set[UserToken]) -> UserTokens:
        if len(removed) > _FEW:
            return UserTokens.of(token for token in self if token not in removed)
        items, count = self._items, self._count
        for token in removed:
            at = items.find(b'"%s"' % token.encode("ascii"))
            if at >= 0:
                after = at + len(token) + 3
                items = (items[:at] + items[after:]).removesuffix(b",")
                count -= 1
        return UserTokens(items, count)

    def json_items(self) -> bytes:
        """What stands between the brackets of a JSON array."""
        return self._items

    def __iter__(self) -> Iterator[UserToken]:
        return (UserToken(item[1:-1]) for item in self._items.decode("ascii").split(",") if item)

    def __len__(self) -> int:
        return self._count

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UserTokens) and self._items == other._items

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"UserTokens({len(self)} users)"

"""Templates: what is compared, and whose they are."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

import numpy as np
from numpy.typing import NDArray

from perse.domain.samples import ModelName
from perse.errors import (
    InvalidParameter,
    ReferenceModelMismatch,
    SampleNotFound,
    UserTokenNotFound,
)

_UNIT_TOLERANCE = 1e-3
# So many removed tokens are looked for one by one; for more, every block is taken apart.
_FEW = 8
_PER_BLOCK = 2500
_LARGEST_BLOCK_BYTES = 39 * _PER_BLOCK
UserToken = NewType("UserToken", str)
SampleId = NewType("SampleId", str)


class Modality(StrEnum):
    """What a sample was taken of."""

    FACE = "face"
    VOICE = "voice"


_UUID_SHAPE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def new_user_token() -> UserToken:
    """A random UUID: 122 bits that nobody guesses, and never the word ``list``."""
    return UserToken(str(uuid.uuid4()))


def parse_user_token(text: str) -> UserToken:
    """Raises UserTokenNotFound for a text that no token of ours has the shape of."""
    canonical = text.strip().lower()
    if not _UUID_SHAPE.fullmatch(canonical):
        raise UserTokenNotFound("no user has this user_token: tokens are UUIDs, as enrolment gave")
    return UserToken(canonical)


def parse_sample_id(text: str) -> SampleId:
    """Raises SampleNotFound for a text that no identifier of ours has the shape of."""
    canonical = text.strip().lower()
    if not _UUID_SHAPE.fullmatch(canonical):
        raise sample_not_found()
    return SampleId(canonical)


def sample_not_found() -> SampleNotFound:
    """The same for ids that never were, are no more, and are another subject's."""
    return SampleNotFound("this subject has no such sample: list its samples")


@dataclass(frozen=True, slots=True)
class Traits:
    """What a network showed of a capture beside the direction of its features.

    ``length``: of the features before they were normalised, > 0, in the network's own unit; the
    shorter, the less of a person there was to see. ``mirror_cosine``: -1..1, of the features of the
    face and of its mirror image; the higher, the surer. Raises InvalidParameter for anything else.
    """

    length: float
    mirror_cosine: float

    def __post_init__(self) -> None:
        if not (0 < self.length < math.inf and abs(self.mirror_cosine) <= 1 + _UNIT_TOLERANCE):
            raise InvalidParameter("these are no traits of a capture")


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """Unit vector (float32, one dimension) and the name of the network that made it.

    ``traits``: None where they are not known, as of voices and of faces enrolled before there were
    any.
    """

    vector: NDArray[np.float32]
    model: ModelName
    traits: Traits | None = None

    def __post_init__(self) -> None:
        if self.vector.dtype != np.float32 or self.vector.ndim != 1:
            raise InvalidParameter("a template must be a one-dimensional float32 vector")
        if not abs(math.sqrt(self.vector @ self.vector) - 1.0) < _UNIT_TOLERANCE:
            raise InvalidParameter("a template must be a unit vector")

    @classmethod
    def of(
        cls, features: NDArray[np.float32], model: ModelName, traits: Traits | None = None
    ) -> Template:
        """Normalise ``features``. Raises InvalidParameter when they have no direction."""
        length = float(np.linalg.norm(features))
        if not (np.isfinite(length) and length > 0):
            raise InvalidParameter("features without direction make no template")
        return cls((features / length).astype(np.float32), model, traits)

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
    """What is known of a sample of an enrolled user beside the template.

    ``quality``: its metrics by name when it was captured. ``sample_id``: None for the one that
    goes by the token of its user, as enrolment under /v0 keeps it. Times are aware, UTC.
    """

    user_token: UserToken
    model: ModelName
    quality: Mapping[str, float]
    created_at: datetime
    updated_at: datetime
    sample_id: SampleId | None = None
    modality: Modality = Modality.FACE

    @property
    def name(self) -> SampleId:
        """Which of its user's samples it is."""
        return self.sample_id or SampleId(self.user_token)


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

    Kept as the items of a JSON array, which is what they are answered as, in blocks: what a change
    leaves as it was, the lists before and after it share. A hundred answers on their way to slow
    readers hold one list, and a block more for each change between them.
    """

    __slots__ = ("_blocks", "_count")

    def __init__(self, blocks: Sequence[bytes] = (), count: int = 0) -> None:
        """``blocks``: tokens in quotes, separated by commas; ``count``: how many."""
        self._blocks = tuple(blocks)
        self._count = count

    @classmethod
    def of(cls, tokens: Iterable[str]) -> UserTokens:
        known = [b'"%s"' % token.encode("ascii") for token in tokens]
        return cls(_blocks_of(known), len(known))

    def changed(self, changes: Iterable[tuple[UserToken, bool]]) -> UserTokens:
        """What is left after ``changes`` in their order; True stands for a removal."""
        ordered = list(changes)
        removed = {token for token, gone in ordered if gone}
        added = UserTokens.of(token for token, gone in ordered if not gone and token not in removed)
        kept = self._without(removed)
        return UserTokens(_joined(kept._blocks, added._blocks), kept._count + added._count)

    def _without(self, removed: Set[UserToken]) -> UserTokens:
        gone = {b'"%s"' % token.encode("ascii") for token in removed}
        blocks, count = [], self._count
        for block in self._blocks:
            if len(gone) > _FEW or any(item in block for item in gone):
                items = block.split(b",")
                kept = [item for item in items if item not in gone]
                count -= len(items) - len(kept)
                blocks.append(block if len(kept) == len(items) else b",".join(kept))
            else:
                blocks.append(block)
        return UserTokens([block for block in blocks if block], count)

    def json_blocks(self) -> Iterator[bytes]:
        """What stands between the brackets of a JSON array, a block at a time."""
        for number, block in enumerate(self._blocks):
            yield b"," + block if number else block

    @property
    def size_bytes(self) -> int:
        """Of all blocks together, with the commas between them."""
        return sum(map(len, self._blocks)) + max(0, len(self._blocks) - 1)

    def __iter__(self) -> Iterator[UserToken]:
        for block in self._blocks:
            yield from (UserToken(item[1:-1]) for item in block.decode("ascii").split(","))

    def __len__(self) -> int:
        return self._count

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UserTokens) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"UserTokens({len(self)} users)"


def _blocks_of(items: Sequence[bytes]) -> list[bytes]:
    starts = range(0, len(items), _PER_BLOCK)
    return [b",".join(items[start : start + _PER_BLOCK]) for start in starts]


def _joined(blocks: Sequence[bytes], more: Sequence[bytes]) -> Sequence[bytes]:
    """One after the other, the block at the seam filled up where it is not full."""
    if not (blocks and more and len(blocks[-1]) + len(more[0]) < _LARGEST_BLOCK_BYTES):
        return [*blocks, *more]
    return [*blocks[:-1], blocks[-1] + b"," + more[0], *more[1:]]

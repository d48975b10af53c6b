"""One of several machines that hold a part of everybody each: the same indexes over a feed of that
part, asked in sealed words."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from perse.domain.access import TenantId
from perse.domain.references import Modality, UserToken
from perse.domain.subjects import CollectionName
from perse.errors import IndexLoading, SearchMemoryExceeded, StorageDamaged, TryLater
from perse.search.live_search import LiveSearch
from perse.search.quantised import Vectors
from perse.search.sealed_words import SealedWords, Words
from perse.search.sources import Nearest, PartSize

# What is said of a tenant's search as a whole, whichever machine says it.
_TOLD: Final = (SearchMemoryExceeded, StorageDamaged)


@dataclass(frozen=True, slots=True)
class Question:
    """Whom to search, of all that ``revision`` counts. ``vector`` None: how many there are."""

    tenant_id: TenantId
    modality: Modality
    revision: int
    collection: CollectionName | None
    vector: Vectors | None = None
    floor: float = 0.0
    most: int = 0

    def words(self) -> Words:
        vector = None if self.vector is None else base64.b64encode(self.vector.tobytes()).decode()
        return {
            "tenant": self.tenant_id,
            "modality": self.modality,
            "revision": self.revision,
            "collection": self.collection,
            "vector": vector,
            "floor": self.floor,
            "most": self.most,
        }

    @classmethod
    def of(cls, words: Words) -> Question:
        vector = words["vector"]
        return cls(
            TenantId(words["tenant"]),
            Modality(words["modality"]),
            words["revision"],
            None if words["collection"] is None else CollectionName(words["collection"]),
            None if vector is None else np.frombuffer(base64.b64decode(vector), np.float32),
            words["floor"],
            words["most"],
        )


@dataclass(frozen=True, slots=True)
class Loading:
    """So many samples have been read, of so many."""

    read: int
    total: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a machine has in memory, of all tenants, and how old it may be."""

    templates: int
    bytes_held: int
    loading: int
    behind_s: float


Answer = PartSize | Nearest | Loading | Held


@dataclass(frozen=True, slots=True)
class Shard:
    """``search``: over a feed of this part alone."""

    search: LiveSearch
    sealed: SealedWords

    def answer(self, question: bytes) -> bytes:
        """Raises ClusterUnavailable for a question that was sealed with another key, and what
        keeps this machine from an answer that another one may have."""
        words = self.sealed.open(question)
        return self.sealed.seal(self._answer(words), question)

    def _answer(self, words: Words) -> Words:
        if words.get("held"):
            held = self.search
            return {"held": [held.templates, held.bytes_held, held.loading, held.behind_s]}
        question = Question.of(words)
        try:
            return self._found(question)
        except IndexLoading:
            return {"loading": self.search.progress(question.tenant_id, question.modality)}
        except _TOLD as told:
            later = {"retry_after_s": told.retry_after_s} if isinstance(told, TryLater) else {}
            return {"told": [told.code, told.message, later]}

    def _found(self, question: Question) -> Words:
        index = self.search.index_of(question.tenant_id, question.modality)
        if question.vector is None:
            size = index.size(question.collection, question.revision)
            return {"size": [size.subjects, size.templates, size.most]}
        near = index.nearest(
            question.vector,
            question.floor,
            question.most,
            question.collection,
            question.revision,
        )
        return {"tokens": near.tokens, "ceilings": near.ceilings, "rest": near.rest}


HELD: Final[Words] = {"held": True}


def answer_of(words: Words) -> Answer:
    """Raises what a machine says of the whole search."""
    kinds: Mapping[str, Any] = {"size": PartSize, "loading": Loading, "held": Held}
    for name, kind in kinds.items():
        if name in words:
            answer: Answer = kind(*words[name])
            return answer
    if "told" in words:
        code, message, later = words["told"]
        raise next(it for it in _TOLD if it.code == code)(message, **later)
    tokens = [UserToken(it) for it in words["tokens"]]
    return Nearest(tokens, words["ceilings"], words["rest"])

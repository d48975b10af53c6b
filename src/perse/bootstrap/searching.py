"""Searches over opened face pipelines and storage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from perse.bootstrap.faces import FaceServices
from perse.bootstrap.fusion import fusion_of
from perse.bootstrap.gallery_cluster import open_cluster_search
from perse.bootstrap.voices import VoiceServices
from perse.chores import Chore
from perse.domain.references import Modality
from perse.pipelines.identification import FindDuplicates, IdentifySubjects
from perse.pipelines.subject_ports import SubjectSearch
from perse.search.live_search import LiveSearch
from perse.search.measured import Measured
from perse.search.tally import Tally
from perse.settings import Settings
from perse.storage.storage import Storage

_KEEP_WARM_EVERY_S = 1.0
_MUSTER_EVERY_S = 3.0


class Searching(SubjectSearch, Protocol):
    """``templates``, ``bytes_held``: in memory, of all tenants; ``loading``: how many tenants are
    being read; ``behind_s``: for how long they may lack what was stored."""

    @property
    def tally(self) -> Tally: ...
    @property
    def templates(self) -> int: ...
    @property
    def bytes_held(self) -> int: ...
    @property
    def loading(self) -> int: ...
    @property
    def behind_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class SearchServices:
    """``index`` knows the templates of the tenants that search; ``warming`` lets it follow what
    others store, from now until it is closed."""

    identify: IdentifySubjects
    duplicates: FindDuplicates
    index: Searching
    warming: Chore
    end: Callable[[], None]

    def close(self) -> None:
        """Zero the templates in memory, and let go of the cluster."""
        self.warming.close()
        self.end()


def wire_search(
    settings: Settings, faces: FaceServices, voices: VoiceServices | None, storage: Storage
) -> SearchServices:
    """Begin to read ahead, too, where the settings ask for it."""
    measured: dict[Modality, Measured] = {Modality.FACE: faces.searched}
    if voices:
        measured[Modality.VOICE] = voices.searched
    index, warming, end = _opened(settings, storage, measured)
    return SearchServices(
        identify=IdentifySubjects(
            faces.compare,
            voices.compare if voices else None,
            index,
            storage.collections,
            fusion_of(faces.compare, voices) if voices else None,
        ),
        duplicates=FindDuplicates(index, storage.collections),
        index=index,
        warming=warming,
        end=end,
    )


def _opened(
    settings: Settings, storage: Storage, measured: Mapping[Modality, Measured]
) -> tuple[Searching, Chore, Callable[[], None]]:
    """In this memory, or on the machines of a cluster."""
    if settings.cluster:
        spread = open_cluster_search(settings.cluster, settings, storage, measured)
        chore = Chore(spread.keep_up, every_s=_MUSTER_EVERY_S, name="perse-search")
        return spread.search, chore, spread.actors.close
    index = LiveSearch(storage.subject_feed, measured, settings.search_memory_bytes)
    if settings.search_read_ahead:
        index.read_ahead()
    chore = Chore(index.keep_warm, every_s=_KEEP_WARM_EVERY_S, name="perse-search")
    return index, chore, index.close

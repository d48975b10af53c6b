"""Searches over opened face pipelines and storage."""

from __future__ import annotations

from dataclasses import dataclass

from perse.bootstrap.faces import FaceServices
from perse.bootstrap.fusion import fusion_of
from perse.bootstrap.voices import VoiceServices
from perse.chores import Chore
from perse.domain.references import Modality
from perse.pipelines.identification import FindDuplicates, IdentifySubjects
from perse.search.live_search import LiveSearch
from perse.search.measured import Measured
from perse.settings import Settings
from perse.storage.storage import Storage

_KEEP_WARM_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class SearchServices:
    """``index`` holds the templates of the tenants that search; ``warming`` lets it follow what
    others store, from now until it is closed."""

    identify: IdentifySubjects
    duplicates: FindDuplicates
    index: LiveSearch
    warming: Chore

    def close(self) -> None:
        """Zero the templates in memory."""
        self.warming.close()
        self.index.close()


def wire_search(
    settings: Settings, faces: FaceServices, voices: VoiceServices | None, storage: Storage
) -> SearchServices:
    """Begin to read ahead, too, where the settings ask for it."""
    measured: dict[Modality, Measured] = {Modality.FACE: faces.searched}
    if voices:
        measured[Modality.VOICE] = voices.searched
    index = LiveSearch(storage.subject_feed, measured, settings.search_memory_bytes)
    if settings.search_read_ahead:
        index.read_ahead()
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
        warming=Chore(index.keep_warm, every_s=_KEEP_WARM_EVERY_S, name="perse-search"),
    )

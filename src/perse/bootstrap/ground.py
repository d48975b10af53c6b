"""What a server stands on: networks opened, keys read. No thread and no connection is in it, so
processes that are forked from one that has it share its memory, and are all of one kind."""

from __future__ import annotations

from dataclasses import dataclass

from perse.auth.signing_keys import SigningKeys
from perse.bootstrap.face_networks import open_embedder
from perse.bootstrap.faces import FaceServices, wire_faces
from perse.bootstrap.signing_keys import open_signing_keys
from perse.bootstrap.voices import VoiceServices, wire_voices
from perse.bootstrap.weights import PackOnDisk
from perse.cluster.connection import check_usable
from perse.pipelines.ports import FaceEmbedder
from perse.settings import Settings


@dataclass(frozen=True, slots=True)
class Ground:
    """``previous_embedder``: of the pack whose users are being moved, where there is one."""

    on_disk: PackOnDisk
    faces: FaceServices
    voices: VoiceServices | None
    previous_embedder: FaceEmbedder | None
    signing_keys: SigningKeys


def lay_ground(settings: Settings, on_disk: PackOnDisk) -> Ground:
    """Open every network and read the signing keys. Raises SetupError, also for a cluster that
    cannot be used: nothing of it is opened yet."""
    if settings.cluster:
        check_usable(settings.cluster)
    previous = on_disk.previous
    threads = settings.threads_per_network
    return Ground(
        on_disk,
        wire_faces(settings, on_disk),
        wire_voices(settings, on_disk),
        open_embedder(previous, threads=threads) if previous else None,
        open_signing_keys(settings),
    )

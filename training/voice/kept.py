"""Voices that were computed once, kept as files: a run that was cut off goes on where it ended."""

from __future__ import annotations

import argparse
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from training.voice.trials import Voices

_FOLDER = Path("build/voices")

# Whatever the features of a recording depend on, beside the weights and the recordings themselves.
_SOURCES = (
    "src/perse/domain/filterbank.py",
    "src/perse/domain/speech.py",
    "src/perse/domain/voice_quality.py",
    "src/perse/networks/campplus.py",
    "src/perse/networks/silero_vad.py",
    "training/voice/conditions.py",
    "training/voice/crowds.py",
    "training/voice/degradations.py",
    "training/voice/sounds.py",
    "training/voice/trials.py",
)


def voice_arguments(description: str | None) -> argparse.Namespace:
    """Of a command over a set of voices: the folders ``recordings``, ``weights`` and ``kept``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--recordings", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--kept", type=Path, default=_FOLDER)
    return parser.parse_args()


@dataclass(frozen=True, slots=True)
class KeptVoices:
    """A folder of sets of voices, one file a set. A change of the code that makes them starts a
    new folder below ``folder``, so that nothing old is ever taken for new."""

    folder: Path

    def of(self, name: str, make: Callable[[], Voices]) -> Voices:
        """The set of that name; made, told and kept where it is not there yet."""
        path = self._path(name)
        if not path.is_file():
            started = time.monotonic()
            voices = make()
            self._keep(path, voices)
            print(
                f"{name}: {len(voices.speakers)} recordings, {voices.lost} without speech, "
                f"{time.monotonic() - started:.0f} s",
                flush=True,
            )
        with np.load(path, allow_pickle=False) as file:
            return Voices(**{field.name: file[field.name] for field in fields(Voices)})

    def _keep(self, path: Path, voices: Voices) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(part, **{field.name: getattr(voices, field.name) for field in fields(Voices)})
        part.replace(path)

    def _path(self, name: str) -> Path:
        file = re.sub(r"\W+", "_", name)
        return self.folder / _digest_of_code() / f"{file}.npz"


def _digest_of_code() -> str:
    sources = b"".join(Path(source).read_bytes() for source in _SOURCES)
    return hashlib.sha256(sources).hexdigest()[:12]

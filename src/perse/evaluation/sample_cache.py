"""Templates kept between runs. They are biometric data: files of mode 0600 in a folder of 0700."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perse.evaluation.acquisition import Acquired, Failed, Outcome
from perse.files import write_file

_FOLDER = "evaluation-cache"


@dataclass(frozen=True, slots=True)
class SampleCache:
    """One small file per sample, named by the SHA-256 of its content, in a folder named by what
    made the templates; another network, another folder."""

    folder: Path

    @classmethod
    def at(cls, data_dir: Path, made_with: str) -> SampleCache:
        """``made_with``: short name of the networks and the version of the pipelines."""
        return cls(data_dir / _FOLDER / made_with)

    def recall(self, digest: str) -> Outcome | None:
        try:
            return unpacked(self._path(digest).read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, digest: str, outcome: Outcome) -> None:
        path = self._path(digest)
        write_file(path, packed(outcome), durable=False)

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / f"{digest}.json"


def forget_samples(data_dir: Path) -> int:
    """Delete every cached template; how many there were."""
    folder = data_dir / _FOLDER
    count = sum(1 for _ in folder.rglob("*.json"))
    if folder.is_dir():
        shutil.rmtree(folder)
    return count


def packed(outcome: Outcome) -> bytes:
    """As it is kept."""
    return json.dumps(_plain(outcome)).encode()


def unpacked(content: bytes) -> Outcome:
    """Exactly what was packed. Raises ValueError, KeyError or TypeError for what was not."""
    return _outcome(json.loads(content))


def _plain(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Failed):
        return {"code": outcome.code, "message": outcome.message}
    vector = base64.b64encode(outcome.vector.astype("<f4").tobytes()).decode()
    return {"vector": vector, "measures": dict(outcome.measures), "pad": outcome.pad}


def _outcome(plain: dict[str, Any]) -> Outcome:
    if "code" in plain:
        return Failed(plain["code"], plain["message"])
    vector = np.frombuffer(base64.b64decode(plain["vector"]), "<f4").astype(np.float32)
    return Acquired(vector, plain["measures"], plain["pad"])

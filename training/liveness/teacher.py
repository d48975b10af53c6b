"""The network of others that ours imitates: fr_liveness.onnx, which is not shipped and not served.

Member ``model/fr_liveness.onnx`` of the npm package faceplugin-face-recognition-js 0.0.1 (MIT).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from bank import MAP_CHANNELS, MAP_PX
from camera import Picture
from numpy.typing import NDArray

from perse.weights.conversions.prelu import without_prelu

_EMBEDDING, _MIDDLE, _END = "580", "524", "564"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the teacher says of one crop, and what it had in mind.

    ``log_odds``: of "bona fide", higher = more bona fide. ``embedding``: 128,
    ``maps``: 2 x 128 x 8 x 8, from its middle and its end.
    """

    log_odds: float
    embedding: NDArray[np.float16]
    maps: NDArray[np.float16]


class Teacher:
    """fr_liveness on the crop that perse_pad sees."""

    def __init__(self, weights: Path) -> None:
        model = without_prelu(onnx.load(weights))
        inner = (onnx.helper.make_empty_tensor_value_info(n) for n in (_EMBEDDING, _MIDDLE, _END))
        model.graph.output.extend(inner)
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        self._session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, crop: Picture) -> Opinion:
        planes = crop[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32)
        values = self._session.run(None, {"input": np.ascontiguousarray(planes)})
        live, *attacks = values[0][0]
        embedding, middle, end = (value[0].astype(np.float32) for value in values[1:])
        return Opinion(
            float(live - np.logaddexp(*attacks)),
            embedding.ravel().astype(np.float16),
            np.stack((_halved(middle), end)).astype(np.float16),
        )


def _halved(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """C x 16 x 16 to C x 8 x 8 by means."""
    halved = maps.reshape(MAP_CHANNELS, MAP_PX, 2, MAP_PX, 2).mean((2, 4))
    return np.asarray(halved, np.float32)

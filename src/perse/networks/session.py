"""Networks run by ONNX Runtime on the CPU. The only module that knows ONNX Runtime.

One thread per run by default and no spinning: concurrency comes from the worker threads that call
``run``, which is safe from many threads at once, so one copy of a network serves them all.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perse.errors import NetworkUnusable, WeightsCorrupt, WeightsUnavailable

# As it comes, ONNX Runtime reports its use to its makers and keeps a device id and a queue of
# reports in the home folder. It looks at this once, when it is first imported. Whatever value was
# set is replaced, because anything but 1 would break what perse promises: no call leaves here.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

_LOG_ERRORS_ONLY = 3
_CPU = ["CPUExecutionProvider"]
_GROWS_BY_WHAT_IS_ASKED_FOR = {"arena_extend_strategy": 1}


class Session:
    """An opened network: immutable, safe to run from many threads at once."""

    def __init__(self, inference: ort.InferenceSession) -> None:
        self._inference = inference
        self.input_names: tuple[str, ...] = tuple(i.name for i in inference.get_inputs())
        self.output_names: tuple[str, ...] = tuple(o.name for o in inference.get_outputs())

    def input_shape(self, name: str) -> tuple[int | None, ...]:
        """Declared shape of input ``name``; None stands for a free dimension."""
        declared = next(i.shape for i in self._inference.get_inputs() if i.name == name)
        return tuple(side if isinstance(side, int) else None for side in declared)

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """All outputs, in the order of ``output_names``. Raises NetworkUnusable."""
        try:
            outputs = self._inference.run(None, dict(inputs))
        except Exception as error:  # its exceptions share no root of their own
            raise NetworkUnusable(f"a network refused its input: {error}") from error
        return [np.asarray(output) for output in outputs]


def open_session(path: Path, sha256: str | None = None, *, threads: int = 1) -> Session:
    """Open the ONNX file at ``path``; ``threads`` work on one run together.

    The file is read once: the bytes that are verified by ``sha256`` are those that run. Raises
    WeightsUnavailable when there is no such file, WeightsCorrupt when its digest is another,
    NetworkUnusable when it is no network.
    """
    if not path.is_file():
        raise WeightsUnavailable(f"there is no weight file {path}: run `perse models fetch`")
    content = path.read_bytes()
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise WeightsCorrupt(f"{path} was changed since it was verified: run `perse models verify`")
    try:
        return Session(_opened(content, threads))
    except Exception as error:  # its exceptions share no root of their own
        raise NetworkUnusable(
            f"{path} cannot be opened as a network: run `perse models verify` ({error})"
        ) from error


def _opened(content: bytes, threads: int) -> ort.InferenceSession:
    _make_arena()
    inference = ort.InferenceSession(content, _options(threads), providers=_CPU)
    # It would keep the file for another try with other providers, which nobody here asks for.
    inference.disable_fallback()
    inference._model_bytes = None
    return inference


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _LOG_ERRORS_ONLY
    # A memory plan is kept for every input shape ever seen; pictures come in thousands of shapes.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


@cache
def _make_arena() -> None:
    """One for all networks, which grows by what is asked for: by default each would have its own
    and double it. That is 40 MB of a process that reads pictures of all sizes."""
    memory = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    ort.create_and_register_allocator(memory, ort.OrtArenaCfg(_GROWS_BY_WHAT_IS_ASKED_FOR))

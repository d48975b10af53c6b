"""Ways to multiply a million byte vectors with some: benchmarks.identification --kernels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from perse.search.kernels import Kernel, Multiply, numkong_kernel, numpy_kernel, rows_at_a_time
from perse.search.quantised import Codes

COUNT = 1 << 20
PIECE = 1 << 16
ROUNDS = 5

Way = Callable[[Codes], Callable[[], object]]


def show_kernels(values: int) -> None:
    """Least of the rounds, one thread, beside a bare reading of the same bytes between them."""
    random = np.random.default_rng(1)
    pieces = [random.integers(-60, 61, (PIECE, values), np.int8) for _ in range(COUNT // PIECE)]
    floor, found = [], []
    for name, way in ways(pieces):
        several = [way(pieces[0][:many].copy()) for many in (1, 16, 64)]
        taken = []
        for _ in range(ROUNDS):
            floor.append(timed(lambda: [piece.view(np.int64).max() for piece in pieces]))
            taken.append([timed(work) for work in several])
        found.append((name, *(1000 * min(column) for column in zip(*taken, strict=True))))
    reading = 1000 * min(floor)
    print(f"{COUNT:,} templates of {values} values, one, 16 and 64 queries at once on one thread,\n"
          "ms of processor time; in brackets x bare reading\n"
          f"  {'bare reading':38} {reading:8.1f}")  # fmt: skip
    for name, *times in found:
        cells = (f"{it:8.1f} ({it / reading:4.1f})" for it in times)
        print(f"  {name:38} {' '.join(cells)}")


def ways(pieces: list[Codes]) -> Iterator[tuple[str, Way]]:
    yield "numkong", _kernel(numkong_kernel, pieces)
    yield "numkong, a row a template", _kernel(_a_row_each, pieces)
    for gone in ("sapphireamx", "sapphire genoa icelake"):
        numkong = import_module("numkong")
        for capability in gone.split():
            numkong.disable_capability(capability)
        yield f"numkong, no {gone}", _kernel(numkong_kernel, pieces)
    yield "NumPy, floating point blocks", _kernel(numpy_kernel, pieces)
    yield "ONNX Runtime, MatMulInteger", _runtime(pieces)
    try:
        yield "faiss, 8 bit direct", _faiss(import_module("faiss"), pieces)
    except ImportError:
        print("  faiss is not installed")


def _kernel(kernel: Kernel, pieces: list[Codes]) -> Way:
    def way(probes: Codes) -> Callable[[], object]:
        rows = min(PIECE, rows_at_a_time(len(probes)))
        multiply = kernel(probes, rows)

        def work() -> None:
            for piece in pieces:
                for start in range(0, PIECE, rows):
                    multiply(piece[start : start + rows])

        return work

    return way


def _a_row_each(probes: Codes, rows: int, /) -> Multiply:
    numkong = import_module("numkong")
    packed = numkong.dots_pack(np.ascontiguousarray(probes))
    kept = numkong.zeros((rows, len(probes)), dtype="int32")
    return lambda codes: np.asarray(numkong.dots_packed(codes, packed, out=kept))


def _runtime(pieces: list[Codes]) -> Way:
    import onnxruntime  # noqa: PLC0415 - for this comparison only

    values = pieces[0].shape[1]
    a = helper.make_tensor_value_info("a", TensorProto.UINT8, ["n", values])
    b = helper.make_tensor_value_info("b", TensorProto.INT8, [values, "m"])
    y = helper.make_tensor_value_info("y", TensorProto.INT32, ["n", "m"])
    node = helper.make_node("MatMulInteger", ["a", "b"], ["y"])
    graph = helper.make_graph([node], "products", [a, b], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)

    def way(probes: Codes) -> Callable[[], object]:
        columns = np.ascontiguousarray(probes.T)
        # Shifted by 128 a byte is unsigned, which its fast way wants; the time is the same.
        return lambda: [
            session.run(None, {"a": piece.view(np.uint8), "b": columns}) for piece in pieces
        ]

    return way


def _faiss(faiss: Any, pieces: list[Codes]) -> Way:  # noqa: ANN401 - it has no types
    faiss.omp_set_num_threads(1)
    direct = faiss.ScalarQuantizer.QT_8bit_direct_signed
    index = faiss.IndexScalarQuantizer(pieces[0].shape[1], direct, faiss.METRIC_INNER_PRODUCT)
    for piece in pieces:
        index.add(piece.astype(np.float32))
    return lambda probes: lambda: index.search(probes.astype(np.float32), 10)


def timed(work: Callable[[], object]) -> float:
    """Processor time of this thread: waiting for others does not count, sharing their memory
    does."""
    start = time.thread_time()
    work()
    return time.thread_time() - start

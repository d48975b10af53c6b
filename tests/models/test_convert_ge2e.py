from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from perse.errors import WeightsCorrupt
from perse.models.catalog import Catalog
from perse.models.convert.ge2e import build, convert, in_onnx_gate_order
from perse.models.convert.torch_tensors import read_tensors
from perse.models.session import open_session
from perse.models.sources import WeightStore

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
Tensors = dict[str, NDArray[np.float32]]


class _Named:
    """Stands for something that a checkpoint names by module and name."""

    def __init__(self, module: str, name: str, *arguments: object) -> None:
        self.module, self.name, self.arguments = module, name, arguments


class _Writer(pickle._Pickler):
    """Writes checkpoints of the old format, good ones and others."""

    def persistent_id(self, obj: object) -> object:
        return obj.pid if isinstance(obj, _Storage) else None

    def save(self, obj: object, save_persistent_id: bool = True) -> None:
        if isinstance(obj, _Named):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())  # type: ignore[attr-defined]
            if obj.arguments:
                super().save(obj.arguments)  # type: ignore[misc]
                self.write(pickle.REDUCE)  # type: ignore[attr-defined]
            return
        super().save(obj, save_persistent_id)  # type: ignore[misc]


class _Storage:
    def __init__(self, key: str, count: int, kind: str = "FloatStorage") -> None:
        self.pid = ("storage", _Named("torch", kind), key, "cpu", count, None)


def _write(path: Path, root: object, storages: dict[str, NDArray[np.float32]]) -> Path:
    with path.open("wb") as file:
        for part in (MAGIC, VERSION, {"little_endian": True}, root, sorted(storages)):
            _Writer(file, protocol=2).dump(part)
        for key in sorted(storages):
            file.write(struct.pack("<q", storages[key].size) + storages[key].tobytes())
    return path


def _tensor(
    key: str, shape: tuple[int, ...], strides: tuple[int, ...], *, kind: str = "FloatStorage"
) -> _Named:
    count = int(np.prod(shape))
    return _Named(
        "torch._utils",
        "_rebuild_tensor_v2",
        _Storage(key, count, kind),
        0,
        shape,
        strides,
        False,
        OrderedDict(),
    )


VALUES = np.arange(6, dtype=np.float32)


def test_tensors_are_read_as_they_stand(tmp_path: Path) -> None:
    root = {"model_state": {"a": _tensor("k", (2, 3), (3, 1))}, "step": 3}
    read = read_tensors(_write(tmp_path / "good.pt", root, {"k": VALUES}), "model_state")
    np.testing.assert_array_equal(read["a"], VALUES.reshape(2, 3))


def test_a_checkpoint_executes_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "executed"
    root = {"model_state": {"a": _Named("os", "system", f"touch {trace}")}}
    with pytest.raises(WeightsCorrupt, match=r"os\.system"):
        read_tensors(_write(tmp_path / "evil.pt", root, {}), "model_state")
    assert not trace.exists()


@pytest.mark.parametrize(
    "name",
    ["builtins.eval", "builtins.getattr", "torch.load", "collections.Counter", "posix.system"],
)
def test_nothing_else_can_be_named(tmp_path: Path, name: str) -> None:
    module, _, attribute = name.rpartition(".")
    root = {"model_state": _Named(module, attribute, "1")}
    with pytest.raises(WeightsCorrupt, match="which no weight file needs"):
        read_tensors(_write(tmp_path / "evil.pt", root, {}), "model_state")


@pytest.mark.parametrize(
    "tensor",
    [
        _tensor("k", (3, 2), (1, 3)),
        _tensor("k", (7, 1), (1, 1)),
        _tensor("k", (2, 3), (3, 1), kind="HalfStorage"),
        _tensor("elsewhere", (2, 3), (3, 1)),
    ],
)
def test_tensors_of_another_layout_are_refused(tmp_path: Path, tensor: _Named) -> None:
    path = _write(tmp_path / "odd.pt", {"model_state": {"a": tensor}}, {"k": VALUES})
    with pytest.raises(WeightsCorrupt):
        read_tensors(path, "model_state")


def test_a_checkpoint_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    root = {"model_state": {"a": _tensor("k", (2, 3), (3, 1))}}
    whole = _write(tmp_path / "good.pt", root, {"k": VALUES}).read_bytes()
    cut = tmp_path / "cut.pt"
    for length in range(0, len(whole), 7):
        cut.write_bytes(whole[:length])
        with pytest.raises(WeightsCorrupt):
            read_tensors(cut, "model_state")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", pickle.dumps({"model_state": {}})])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other.pt"
    other.write_bytes(content)
    with pytest.raises(WeightsCorrupt):
        read_tensors(other, "model_state")


def _random_tensors(scale: float = 0.05) -> Tensors:
    chance = np.random.default_rng(11)
    shapes: dict[str, tuple[int, ...]] = {"linear.weight": (256, 256), "linear.bias": (256,)}
    for layer in range(3):
        shapes[f"lstm.weight_ih_l{layer}"] = (1024, 256 if layer else 40)
        shapes[f"lstm.weight_hh_l{layer}"] = (1024, 256)
        shapes[f"lstm.bias_ih_l{layer}"] = shapes[f"lstm.bias_hh_l{layer}"] = (1024,)
    return {n: (chance.normal(size=s) * scale).astype(np.float32) for n, s in shapes.items()}


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-x)))


def _by_hand(tensors: Tensors, mels: NDArray[np.float32]) -> NDArray[np.float64]:
    """The recurrence as PyTorch's documentation of LSTM writes it, step by step."""
    sequence: list[NDArray[np.float64]] = list(mels.transpose(1, 0, 2).astype(np.float64))
    for layer in range(3):
        hidden = cell = np.zeros((mels.shape[0], 256))
        outputs = []
        for x in sequence:
            gates = (
                x @ tensors[f"lstm.weight_ih_l{layer}"].T
                + tensors[f"lstm.bias_ih_l{layer}"]
                + hidden @ tensors[f"lstm.weight_hh_l{layer}"].T
                + tensors[f"lstm.bias_hh_l{layer}"]
            )
            i, f, g, o = np.split(gates, 4, axis=1)
            cell = _sigmoid(f) * cell + _sigmoid(i) * np.tanh(g)
            hidden = _sigmoid(o) * np.tanh(cell)
            outputs.append(hidden)
        sequence = outputs
    return np.asarray(sequence[-1] @ tensors["linear.weight"].T + tensors["linear.bias"])


def test_the_graph_computes_the_recurrence(tmp_path: Path) -> None:
    tensors = _random_tensors()
    mels = np.random.default_rng(12).exponential(0.2, (3, 17, 40)).astype(np.float32)
    onnx.save(build(tensors), tmp_path / "ge2e.onnx")
    (features,) = open_session(tmp_path / "ge2e.onnx").run({"mels": mels})
    np.testing.assert_allclose(features, _by_hand(tensors, mels), atol=1e-5)


def test_gates_change_places() -> None:
    rows = np.repeat(np.arange(4, dtype=np.float32), 2)
    assert in_onnx_gate_order(rows).tolist() == [0, 0, 3, 3, 1, 1, 2, 2]


def test_another_network_is_refused() -> None:
    tensors = _random_tensors()
    with pytest.raises(WeightsCorrupt, match=r"lstm\.bias_hh_l2"):
        build({name: t for name, t in tensors.items() if name != "lstm.bias_hh_l2"})
    with pytest.raises(WeightsCorrupt, match=r"linear\.bias"):
        build(tensors | {"linear.bias": np.zeros(255, np.float32)})


@pytest.fixture(scope="module")
def published(catalog: Catalog, weights: WeightStore) -> Path:
    return weights.obtain(catalog.card("ge2e")).parents[1] / catalog.card("ge2e").file


def test_the_released_checkpoint_becomes_the_same_bytes_each_time(
    published: Path, tmp_path: Path
) -> None:
    one, other = tmp_path / "one.onnx", tmp_path / "other.onnx"
    convert(published, one)
    convert(published, other)
    assert one.read_bytes() == other.read_bytes()


# PyTorch 2.13.0 on the input below, run apart from perse: window -> features 0, 1, 100, 255.
GOLDEN = {
    0: [-1.284148, 0.080303, -0.088024, -0.398457],
    1: [-3.510089, -0.373038, -0.761436, -0.391926],
}


def test_the_released_network_says_what_pytorch_says(published: Path, tmp_path: Path) -> None:
    convert(published, tmp_path / "ge2e.onnx")
    mels = np.linspace(0, 1, 2 * 160 * 40, dtype=np.float32).reshape(2, 160, 40) ** 4
    (features,) = open_session(tmp_path / "ge2e.onnx").run({"mels": mels})
    for window, expected in GOLDEN.items():
        np.testing.assert_allclose(features[window, [0, 1, 100, 255]], expected, atol=1e-4)


def test_pytorch_itself_agrees(published: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is here in development only")
    convert(published, tmp_path / "ge2e.onnx")
    state = torch.load(published, map_location="cpu", weights_only=True)["model_state"]
    lstm = torch.nn.LSTM(40, 256, 3, batch_first=True)
    lstm.load_state_dict({n[5:]: t for n, t in state.items() if n.startswith("lstm.")})
    mels = np.random.default_rng(5).exponential(0.01, (6, 160, 40)).astype(np.float32)
    with torch.no_grad():
        _, (hidden, _) = lstm(torch.from_numpy(mels))
        theirs = (hidden[-1] @ state["linear.weight"].T + state["linear.bias"]).numpy()
    (ours,) = open_session(tmp_path / "ge2e.onnx").run({"mels": mels})
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    assert float(((ours * theirs).sum(axis=1) / lengths).min()) >= 0.9999

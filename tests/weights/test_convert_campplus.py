from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from perse.errors import WeightsCorrupt
from perse.networks.session import open_session
from perse.weights.catalogue import Catalog
from perse.weights.conversions.campplus import build, convert
from perse.weights.conversions.torch_zip import read_tensors
from perse.weights.store import WeightStore
from tests.networks.campplus_in_pytorch import by_pytorch

VALUES = np.arange(6, dtype=np.float32)


class _Named:
    """Stands for something that a checkpoint names by module and name."""

    def __init__(self, module: str, name: str, *arguments: object) -> None:
        self.module, self.name, self.arguments = module, name, arguments


class _Storage:
    def __init__(self, key: str, count: int, kind: str = "FloatStorage") -> None:
        self.pid = ("storage", _Named("torch", kind), key, "cpu", count)


class _Writer(pickle._Pickler):
    """Writes the pickles of checkpoints, good ones and others."""

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


def tensor(
    key: str,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *,
    count: int = 6,
    offset: int = 0,
    kind: str = "FloatStorage",
) -> _Named:
    storage = _Storage(key, count, kind)
    named, hooks = ("torch._utils", "_rebuild_tensor_v2"), cast("dict[str, object]", OrderedDict())
    return _Named(*named, storage, offset, shape, strides, False, hooks)


def checkpoint(
    path: Path,
    root: object,
    storages: Mapping[str, NDArray[Any]],
    *,
    version: bytes = b"3\n",
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    with (path.parent / "data.pkl").open("wb") as file:
        _Writer(file, protocol=2).dump(root)
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.write(path.parent / "data.pkl", "archive/data.pkl")
        for key, values in storages.items():
            archive.writestr(f"archive/data/{key}", values.tobytes())
        archive.writestr("archive/version", version)
    return path


def test_tensors_are_read_as_they_stand(tmp_path: Path) -> None:
    root = {
        "a": tensor("k", (2, 3), (3, 1)),
        "b": tensor("k", (2, 2), (2, 1), offset=2),
        "n": tensor("l", (), (), count=1, kind="LongStorage"),
    }
    storages: dict[str, NDArray[Any]] = {"k": VALUES, "l": np.array([7], np.int64)}
    read = read_tensors(checkpoint(tmp_path / "good.pt", root, storages))
    np.testing.assert_array_equal(read["a"], VALUES.reshape(2, 3))
    np.testing.assert_array_equal(read["b"], VALUES[2:].reshape(2, 2))
    assert read["n"] == 7


def test_a_checkpoint_executes_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "executed"
    evil = checkpoint(tmp_path / "evil.pt", {"a": _Named("os", "system", f"touch {trace}")}, {})
    with pytest.raises(WeightsCorrupt, match=r"os\.system"):
        read_tensors(evil)
    assert not trace.exists()


@pytest.mark.parametrize(
    "name", ["builtins.eval", "torch.load", "torch.HalfStorage", "posix.system"]
)
def test_nothing_else_can_be_named(tmp_path: Path, name: str) -> None:
    module, _, attribute = name.rpartition(".")
    evil = checkpoint(tmp_path / "evil.pt", {"a": _Named(module, attribute, "1")}, {})
    with pytest.raises(WeightsCorrupt, match="which no weight file needs"):
        read_tensors(evil)


@pytest.mark.parametrize(
    "odd",
    [
        tensor("k", (3, 2), (1, 3)),
        tensor("k", (7, 1), (1, 1)),
        tensor("k", (1 << 40, 1 << 40), (1 << 40, 1)),
        tensor("k", (2, 3), (3, 1), offset=-6),
        tensor("k", (2, 3), (3, 1), count=5),
        tensor("k", (2, 3), (3, 1), kind="LongStorage"),
        tensor("elsewhere", (2, 3), (3, 1)),
        tensor("../version", (2, 3), (3, 1)),
        [1, 2],
        "text",
    ],
)
def test_tensors_of_another_layout_are_refused(tmp_path: Path, odd: object) -> None:
    path = checkpoint(tmp_path / "odd.pt", {"a": odd}, {"k": VALUES})
    with pytest.raises(WeightsCorrupt):
        read_tensors(path)


def test_a_pickle_that_reserves_memory_is_refused(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "good.pt", {}, {})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}r\xff\xff\xff\x7f.")
        archive.writestr("archive/version", b"3")
    with pytest.raises(WeightsCorrupt, match="LONG_BINPUT"):
        read_tensors(path)


def test_an_archive_that_unpacks_to_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    root = {"a": tensor("k", (1 << 20,), (1,), count=1 << 20)}
    zeros = {"k": np.zeros(1 << 20, np.float32)}
    bomb = checkpoint(tmp_path / "bomb.pt", root, zeros, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(WeightsCorrupt, match="compressed"):
        read_tensors(bomb)


def test_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsCorrupt, match="another version"):
        read_tensors(checkpoint(tmp_path / "new.pt", {}, {}, version=b"4\n"))


def test_another_network_is_refused(tmp_path: Path) -> None:
    tensors = {"head.conv1.weight": np.zeros((32, 1, 3, 3), np.float32)}
    with pytest.raises(WeightsCorrupt, match=r"no tensor head\.bn1"):
        build(tensors)
    with pytest.raises(WeightsCorrupt, match=r"no tensor head\.conv1"):
        build({name: values.astype(np.float64) for name, values in tensors.items()})


@pytest.fixture(scope="module")
def published(catalog: Catalog, weights: WeightStore) -> Path:
    return weights.obtain(catalog.card("campplus")).parents[1] / catalog.card("campplus").file


# PyTorch 2.13.0 on the input below, run apart from perse: frames -> features 0, 1, 100, 191.
GOLDEN = {
    60: [-1.133984, -0.283997, 1.677078, 0.425923],
    450: [-0.398487, -0.14547, 0.300753, -0.10626],
}


def bands_of(frames: int) -> NDArray[np.float32]:
    values = np.linspace(-3, 3, frames * 80, dtype=np.float32).reshape(1, frames, 80)
    return np.asarray(np.sin(values * 40) * 4, np.float32)


def test_the_released_network_says_what_pytorch_says(published: Path, tmp_path: Path) -> None:
    convert(published, tmp_path / "campplus.onnx")
    session = open_session(tmp_path / "campplus.onnx")
    for frames, expected in GOLDEN.items():
        features, parts = session.run({"bands": bands_of(frames)})
        np.testing.assert_allclose(features[0, [0, 1, 100, 191]], expected, atol=1e-4)
        assert parts.shape == (-(-frames // 150), 192)


def test_the_only_part_of_a_short_recording_is_the_whole(published: Path, tmp_path: Path) -> None:
    convert(published, tmp_path / "campplus.onnx")
    features, parts = open_session(tmp_path / "campplus.onnx").run({"bands": bands_of(150)})
    (part,) = parts
    alike = features[0] @ part / np.linalg.norm(features) / np.linalg.norm(part)
    assert alike > 0.999


def test_pytorch_itself_agrees(published: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is here in development only")
    convert(published, tmp_path / "campplus.onnx")
    session = open_session(tmp_path / "campplus.onnx")
    state = torch.load(published, map_location="cpu", weights_only=True)
    for frames in (30, 199, 200, 201, 457, 3000):
        bands = np.random.default_rng(frames).normal(0, 3, (1, frames, 80)).astype(np.float32)
        theirs = by_pytorch(torch, state, torch.from_numpy(bands)).numpy()
        np.testing.assert_allclose(session.run({"bands": bands})[0], theirs, atol=2e-4)


def test_the_graph_takes_any_number_of_frames(published: Path, tmp_path: Path) -> None:
    convert(published, tmp_path / "campplus.onnx")
    assert (
        onnx.load(tmp_path / "campplus.onnx").graph.input[0].type.tensor_type.shape.dim[1].dim_param
    )

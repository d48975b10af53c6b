from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from perse.errors import NetworkUnusable, SetupError, WeightsCorrupt, WeightsUnavailable
from perse.networks.session import Session, open_session
from tests.recorder import plain_environment


@pytest.fixture
def doubling(tmp_path: Path) -> Path:
    """A network that adds its input, N x 2, to itself."""
    shape: list[str | int | None] = ["n", 2]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "doubling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "doubling.onnx"
    onnx.save(model, path)
    return path


def test_it_runs_and_names_its_ends(doubling: Path) -> None:
    session = open_session(doubling)
    (answer,) = session.run({"x": np.array([[1, 2]], np.float32)})
    assert answer.tolist() == [[2, 4]]
    assert session.input_names == ("x",)
    assert session.output_names == ("y",)
    assert session.input_shape("x") == (None, 2)


def test_one_copy_serves_many_threads(doubling: Path) -> None:
    session = open_session(doubling, threads=1)

    def answer(number: int) -> float:
        return float(session.run({"x": np.full((50, 2), number, np.float32)})[0][49, 1])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(answer, range(200))) == [2.0 * number for number in range(200)]


def test_the_file_is_not_kept_beside_the_network(tmp_path: Path) -> None:
    weights = np.zeros((1000, 1000), np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "large",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1000])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1000])],
        initializer=[numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "large.onnx")
    del model, graph
    tracemalloc.start()
    session = open_session(tmp_path / "large.onnx")
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert session.input_names == ("x",)
    assert kept_bytes < weights.nbytes / 10


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="perse models fetch"):
        open_session(tmp_path / "none.onnx")


def test_what_runs_is_what_was_verified(doubling: Path) -> None:
    digest = hashlib.sha256(doubling.read_bytes()).hexdigest()
    assert open_session(doubling, digest).input_names == ("x",)
    doubling.write_bytes(doubling.read_bytes() + b"\x0a\x00")
    with pytest.raises(WeightsCorrupt, match="changed since it was verified"):
        open_session(doubling, digest)


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x08" * 100])
def test_a_file_that_is_no_network_is_a_setup_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(NetworkUnusable, match=r"broken\.onnx") as caught:
        open_session(path)
    assert isinstance(caught.value, SetupError)


@pytest.mark.parametrize(
    "inputs",
    [{}, {"x": np.zeros((1, 3), np.float32)}, {"x": np.zeros((1, 2), np.int64)}],
    ids=["nothing", "another shape", "another type"],
)
def test_an_input_that_does_not_fit_is_a_setup_error(
    doubling: Path, inputs: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]
) -> None:
    session: Session = open_session(doubling)
    with pytest.raises(NetworkUnusable):
        session.run(inputs)


@pytest.mark.parametrize("wish", [None, "0", "false", ""])
def test_onnx_runtime_reports_nothing_whatever_was_set(
    doubling: Path, tmp_path: Path, wish: str | None
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = plain_environment(
        dict(os.environ), HOME=str(home), ORT_DISABLE_TELEMETRY=wish, XDG_CACHE_HOME=None
    )
    opened = run_opening(doubling, environment)
    assert (opened.returncode, opened.stdout, opened.stderr) == (0, "", "")
    assert list(home.rglob("*")) == []


def test_nothing_is_said_where_there_is_no_home(doubling: Path) -> None:
    opened = run_opening(doubling, plain_environment(dict(os.environ), HOME=None))
    assert (opened.returncode, opened.stdout, opened.stderr) == (0, "", "")


def run_opening(network: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    program = (
        f"from perse.networks import session; session.open_session(session.Path({str(network)!r}))"
    )
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_nothing_is_printed(doubling: Path, capfd: pytest.CaptureFixture[str]) -> None:
    open_session(doubling).run({"x": np.zeros((1, 2), np.float32)})
    assert capfd.readouterr() == ("", "")

"""SFace in 8-bit integers is SFace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from perse.bootstrap.face_networks import open_embedder, open_face_networks
from perse.bootstrap.weights import obtain_networks
from perse.domain.references import Template
from perse.errors import WeightsCorrupt
from perse.media.image_decoder import decode_image
from perse.networks.exact_integers import integers_are_exact
from perse.networks.session import open_session
from perse.settings import load_settings
from perse.weights.catalogue import Catalog
from perse.weights.conversions import convert
from perse.weights.conversions.integers import Grid, IntegerWriter, in_steps
from perse.weights.store import WeightStore
from tests.conftest import REPOSITORY

PORTRAITS = sorted((REPOSITORY / "tests" / "samples" / "portraits").glob("*.jpg"))
NEAR = 0.99
Values = NDArray[np.float32]

where_exact = pytest.mark.skipif(
    not integers_are_exact(), reason="this processor runs the network in floats"
)


@pytest.fixture(scope="module")
def published(catalog: Catalog, weights: WeightStore) -> Path:
    card = catalog.card("sface")
    return weights.obtain(card).parents[1] / card.file


@pytest.fixture(scope="module")
def converted(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("int8") / "sface_int8.onnx"
    convert("sface_int8", published, target)
    return target


@where_exact
def test_a_face_has_nearly_the_same_template_in_both_forms(
    catalog: Catalog, weights: WeightStore, tmp_path: Path
) -> None:
    for card in catalog.cards_of("standard").values():
        weights.obtain(card)
    (tmp_path / "weights").symlink_to(REPOSITORY / "build" / "weights")
    forms: list[list[Template]] = []
    for int8 in ("off", "auto"):
        settings = load_settings(pack="standard", data_dir=tmp_path, offline=True, int8=int8)
        on_disk = obtain_networks(settings)
        assert on_disk.paths["face_embedder"].stem == ("sface" if int8 == "off" else "sface_int8")
        find = open_face_networks(on_disk, threads=1).detector
        embedder = open_embedder(on_disk, threads=1)
        images = [decode_image(path.read_bytes()) for path in PORTRAITS]
        forms.append([embedder.embed(it, find.detect(it)[0].landmarks) for it in images])
    for whole, integer in zip(*forms, strict=True):
        assert NEAR < whole.cosine(integer) < 1
        assert whole.traits is not None
        assert integer.traits is not None
        assert integer.traits.length == pytest.approx(whole.traits.length, rel=0.05)


def test_nothing_in_it_convolves_in_floats(converted: Path) -> None:
    graph = onnx.load(converted).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("QLinearConv") == 2 * kinds.count("Max") == 54
    assert {"Conv", "PRelu", "Gemm", "DequantizeLinear"}.isdisjoint(kinds)


def test_the_same_bytes_each_time(published: Path, converted: Path, tmp_path: Path) -> None:
    convert("sface_int8", published, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == converted.read_bytes()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.9999])
def test_a_file_cut_short_is_refused(published: Path, tmp_path: Path, share: float) -> None:
    whole = published.read_bytes()
    (tmp_path / "cut").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(WeightsCorrupt):
        convert("sface_int8", tmp_path / "cut", tmp_path / "made")


def test_another_network_is_refused(catalog: Catalog, weights: WeightStore, tmp_path: Path) -> None:
    card = catalog.card("yunet_2023mar")
    yunet = weights.obtain(card).parents[1] / card.file
    with pytest.raises(WeightsCorrupt, match="not SFace"):
        convert("sface_int8", yunet, tmp_path / "made")


@pytest.mark.parametrize(("lowest", "highest"), [(-1.0, 3.0), (0.5, 2.0), (-4.0, -1.0), (0.0, 0.0)])
def test_a_grid_holds_nought_and_its_ends(lowest: float, highest: float) -> None:
    grid = Grid.over(lowest, highest)
    reach = (np.array([0, 255]) - float(grid.zero)) * grid.step
    assert reach[0] <= min(lowest, 0) + grid.step
    assert reach[1] >= max(highest, 0) - grid.step


def test_weights_are_off_by_half_a_step_at_most() -> None:
    rows = np.random.default_rng(4).normal(size=(5, 40)) * np.array([[1], [9], [0.01], [0], [3]])
    steps, step = in_steps(rows)
    assert steps.dtype == np.int8
    assert (np.abs(steps * step[:, None] - rows) <= step[:, None] * 0.501).all()


def test_integers_compute_what_floats_do_but_for_the_grid(tmp_path: Path) -> None:
    """A convolution by channel, a bend and a product; few enough to fit into 16 bits anywhere."""
    chance = np.random.default_rng(6)
    weight, bias = chance.normal(size=(3, 1, 3, 3)), chance.normal(size=3)
    slope, last = np.array([0.25, -0.5, 1.0]), chance.normal(size=(2, 3))
    writer = IntegerWriter()
    value = writer.stored("x", Grid(np.float32(1 / 128), np.uint8(128)))
    grid = Grid.over(-12, 12)
    plain = writer.convolution(value, weight, bias, grid, group=3, kernel_shape=[3, 3])
    bent = writer.bent(plain, slope)
    flat = type(bent)(writer.add("Flatten", bent.name), bent.grid)
    answer = writer.product(flat, last, np.array([1.0, -1.0]))
    onnx.save(
        writer.model("tiny", {"x": (1, 3, 3, 3)}, {"y": (answer, (1, 2))}), tmp_path / "tiny.onnx"
    )
    x = chance.integers(0, 256, (1, 3, 3, 3)).astype(np.float32)
    (y,) = open_session(tmp_path / "tiny.onnx").run({"x": x})
    sums = ((x[0] - 128) / 128 * weight[:, 0]).sum(axis=(1, 2)) + bias
    expected = last @ np.where(sums < 0, slope * sums, sums) + (1, -1)
    np.testing.assert_allclose(y[0], expected, atol=4 * float(grid.step))

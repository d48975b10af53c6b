from __future__ import annotations

from pathlib import Path

import cv2
import dlib
import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from perse.errors import WeightsCorrupt
from perse.models.catalog import Catalog
from perse.models.convert import dlib_format
from perse.models.convert.dlib_format import InputLayer, Layer, read_network
from perse.models.convert.dlib_resnet import build, convert
from perse.models.sources import WeightStore

Chip = NDArray[np.uint8]
Vector = NDArray[np.float32]
SAME = 0.9999


@pytest.fixture(scope="module")
def converted(catalog: Catalog, weights: WeightStore) -> Path:
    return weights.obtain(catalog.card("dlib_resnet"))


@pytest.fixture(scope="module")
def published(converted: Path, catalog: Catalog) -> Path:
    return converted.parents[1] / catalog.card("dlib_resnet").file


class BothNetworks:
    """dlib's own runtime and ONNX Runtime on the same 150 x 150 RGB pictures."""

    def __init__(self, published: Path, converted: Path) -> None:
        self._dlib = dlib.face_recognition_model_v1(str(published))
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._onnx = ort.InferenceSession(
            str(converted), options, providers=["CPUExecutionProvider"]
        )

    def by_dlib(self, chip: Chip) -> Vector:
        return np.array(self._dlib.compute_face_descriptor(chip), dtype=np.float32)

    def by_onnx(self, *chips: Chip) -> Vector:
        batch = np.stack(chips).transpose(0, 3, 1, 2).astype(np.float32)
        features: Vector = self._onnx.run(None, {"image": batch})[0]
        return features


@pytest.fixture(scope="module")
def both(published: Path, converted: Path) -> BothNetworks:
    return BothNetworks(published, converted)


def cosine(one: Vector, other: Vector) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def chip_of(path: Path, part: slice = slice(None)) -> Chip:
    """Rows and columns ``part`` of the picture, RGB, as a chip."""
    read = cv2.imread(str(path))
    assert read is not None
    chip = cv2.resize(read[part, part, ::-1], (150, 150), interpolation=cv2.INTER_AREA)
    return np.asarray(chip, dtype=np.uint8)


def drawn_chips() -> list[Chip]:
    """A flat one, noise, and drawn faces of many colours and turns."""
    rng = np.random.default_rng(3)
    chips = [
        np.full((150, 150, 3), 128, np.uint8),
        rng.integers(0, 256, (150, 150, 3), dtype=np.uint8),
    ]
    for _ in range(4):
        chip = np.full((150, 150, 3), rng.integers(0, 256, 3), np.uint8)
        skin, dark = (tuple(map(int, rng.integers(0, 256, 3))) for _ in range(2))
        turn = float(rng.uniform(-30, 30))
        cv2.ellipse(chip, (75, 78), (48, 62), turn, 0, 360, skin, -1)
        for x in (55, 95):
            cv2.circle(chip, (x, 62), 7, dark, -1)
        cv2.ellipse(chip, (75, 110), (18, 7), turn, 0, 180, dark, 3)
        chips.append(chip)
    return chips


def test_features_are_dlibs_own_on_drawn_pictures(both: BothNetworks) -> None:
    for chip in drawn_chips():
        dlibs, ours = both.by_dlib(chip), both.by_onnx(chip)[0]
        assert cosine(dlibs, ours) >= SAME
        np.testing.assert_allclose(ours, dlibs, atol=1e-4)


def test_features_are_dlibs_own_on_portraits(both: BothNetworks) -> None:
    folder = Path(__file__).parents[1] / "samples" / "portraits"
    portraits = sorted(folder.glob("*.jpg"))
    assert portraits
    for path in portraits:
        chip = chip_of(path)
        assert cosine(both.by_dlib(chip), both.by_onnx(chip)[0]) >= SAME


@pytest.mark.shared
def test_features_are_dlibs_own_on_aligned_faces(both: BothNetworks, shared: Path) -> None:
    pictures = sorted((shared / "data" / "faces_dev").glob("*/*"))[::120]
    assert len(pictures) >= 12
    worst = 1.0
    for path in pictures:
        chip = chip_of(path, slice(62, 188))
        worst = min(worst, cosine(both.by_dlib(chip), both.by_onnx(chip)[0]))
    assert worst >= SAME


def test_a_batch_gives_what_single_pictures_give(both: BothNetworks) -> None:
    chips = drawn_chips()[:3]
    singly = np.concatenate([both.by_onnx(chip) for chip in chips])
    np.testing.assert_allclose(both.by_onnx(*chips), singly, atol=1e-5)


def test_the_same_bytes_each_time(published: Path, converted: Path, tmp_path: Path) -> None:
    convert(published, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == converted.read_bytes()


def test_the_network_is_the_one_that_dlib_describes(published: Path) -> None:
    image, layers = read_network(published)
    assert (image.height_px, image.width_px) == (150, 150)
    np.testing.assert_allclose(image.mean, (122.782, 117.001, 104.298), atol=1e-4)
    kinds = [layer.kind for layer in layers]
    assert kinds.count("con") == 29
    assert kinds.count("add_prev") == 14
    assert kinds[-1] == "fc"
    assert layers[-1].shape == (128, 256, 1)


@pytest.mark.parametrize("length", [0, 1, 40, 300, 400, 5000, 1_000_000])
def test_a_file_cut_short_is_refused(published: Path, tmp_path: Path, length: int) -> None:
    (tmp_path / "short.dat").write_bytes(published.read_bytes()[:length])
    with pytest.raises(WeightsCorrupt):
        read_network(tmp_path / "short.dat")


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (b"loss_metric_2", b"loss_binary_2", "for comparing"),
        (b"input_rgb_image_sized", b"input_rgb_image_other", "input layer"),
        (b"con_4", b"con_9", "layer 'con_9'"),
        (b"\x05relu_110", b"\x05relu_1x0", "does not end"),
    ],
)
def test_another_network_is_refused(
    published: Path, tmp_path: Path, before: bytes, after: bytes, reason: str
) -> None:
    (tmp_path / "other.dat").write_bytes(published.read_bytes().replace(before, after, 1))
    with pytest.raises(WeightsCorrupt, match=reason):
        read_network(tmp_path / "other.dat")


def test_hostile_numbers_do_not_take_memory(tmp_path: Path) -> None:
    stream = dlib_format._Stream(b"\x01\x02" + b"\x08" + b"\xff" * 8 + b"\x01\x01" * 3)
    with pytest.raises(WeightsCorrupt, match="too early"):
        stream.tensor()


IMAGE = InputLayer((1.0, 2.0, 3.0), 7, 7)
CONVOLUTION = Layer("con", (2, 3, 3, 1, 1, 0, 0), np.ones(2 * 3 * 9 + 2, np.float32))
AFFINE = Layer("affine", (), np.array([2, 3, 0.5, 0.25], np.float32))


@pytest.mark.parametrize(
    "layers",
    [
        [Layer("relu")],
        [AFFINE],
        [Layer("con", (2, 3, 3, 1, 1, 1, 1), CONVOLUTION.parameters)],
        [CONVOLUTION, CONVOLUTION],
        [
            CONVOLUTION,
            Layer("avg_pool", (0, 0, 1, 1, 0, 0)),
            Layer("fc", (4, 3, 1), np.ones(12, np.float32)),
        ],
    ],
)
def test_layers_that_do_not_fit_are_refused(layers: list[Layer]) -> None:
    with pytest.raises(WeightsCorrupt):
        build(IMAGE, layers)


def test_parameters_of_another_shape_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Layer("con", CONVOLUTION.shape, np.ones(10, np.float32))
    monkeypatch.setattr("perse.models.convert.dlib_resnet.read_network", lambda _: (IMAGE, [short]))
    with pytest.raises(WeightsCorrupt, match="do not fit each other"):
        convert(tmp_path / "in.dat", tmp_path / "out.onnx")


def test_input_and_affine_layers_are_folded_exactly() -> None:
    """One convolution with an affine layer, pooled and projected, worked out by hand."""
    projection = Layer("fc", (2, 2, 1), np.array([1, 0, 0, 1], np.float32))
    pool = Layer("avg_pool", (0, 0, 1, 1, 0, 0))
    model = build(IMAGE, [CONVOLUTION, AFFINE, pool, projection])
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    image = np.full((1, 3, 7, 7), 10, np.float32)
    sum_seen = 9 * ((10 - 1) + (10 - 2) + (10 - 3)) / 256 + 1
    expected = [[2 * sum_seen + 0.5, 3 * sum_seen + 0.25]]
    np.testing.assert_allclose(session.run(None, {"image": image})[0], expected, rtol=1e-5)

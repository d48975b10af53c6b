from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
import pytest

from perse.errors import WeightsCorrupt
from perse.networks.session import open_session
from perse.weights.catalogue import Catalog
from perse.weights.conversions.tflite import read_graph
from perse.weights.store import WeightStore


@pytest.mark.shared
def test_the_result_answers_as_an_independent_conversion(
    catalog: Catalog, weights: WeightStore
) -> None:
    ours = open_session(weights.obtain(catalog.card("facemesh")))
    theirs = open_session(weights.obtain(catalog.card("facemesh_468")))
    chance = np.random.default_rng(2)
    for picture in (chance.uniform(0, 1, (1, 3, 192, 192)), np.full((1, 3, 192, 192), 0.5)):
        image = picture.astype(np.float32)
        points, face = ours.run({"image": image})
        expected, expected_face = theirs.run({theirs.input_names[0]: image})
        np.testing.assert_allclose(points.ravel(), expected.ravel(), atol=1e-3)
        np.testing.assert_allclose(face.ravel(), expected_face.ravel(), atol=1e-4)


def test_the_graph_is_read_as_it_stands(catalog: Catalog, weights: WeightStore) -> None:
    card = catalog.card("facemesh")
    graph = read_graph(weights.obtain(card).parents[1] / card.file)
    kinds = [operator.kind for operator in graph.operators]
    assert kinds[:5] == ["CONV_2D", "PRELU", "DEPTHWISE_CONV_2D", "CONV_2D", "ADD"]
    assert [graph.tensors[number].shape for number in graph.inputs] == [(1, 192, 192, 3)]
    assert kinds.count("PAD") == 3


def tflite_file(*, code: int = 0, shape: tuple[int, ...] = (1, 2), kind: int = 0) -> bytes:
    """A file of one operator and one tensor."""
    builder = flatbuffers.Builder(256)

    def vector(values: tuple[int, ...], *, offsets: bool = False) -> int:
        builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            (builder.PrependUOffsetTRelative if offsets else builder.PrependInt32)(value)
        return int(builder.EndVector())

    def table(**slots: tuple[str, int]) -> int:
        builder.StartObject(6)
        for slot, (put, value) in slots.items():
            getattr(builder, f"Prepend{put}Slot")(int(slot[1:]), value, 0)
        return int(builder.EndObject())

    buffers = vector((table(),), offsets=True)
    tensor_shape = vector(shape)
    tensors = vector(
        (table(s0=("UOffsetTRelative", tensor_shape), s1=("Int8", kind)),), offsets=True
    )
    ends = vector((0,))
    operator = table(s1=("UOffsetTRelative", ends), s2=("UOffsetTRelative", ends))
    operators = vector((operator,), offsets=True)
    graph = table(
        s0=("UOffsetTRelative", tensors),
        s1=("UOffsetTRelative", ends),
        s2=("UOffsetTRelative", ends),
        s3=("UOffsetTRelative", operators),
    )
    codes = vector((table(s3=("Int32", code)),), offsets=True)
    graphs = vector((graph,), offsets=True)
    builder.Finish(
        table(
            s1=("UOffsetTRelative", codes),
            s2=("UOffsetTRelative", graphs),
            s4=("UOffsetTRelative", buffers),
        ),
        file_identifier=b"TFL3",
    )
    return bytes(builder.Output())


def test_a_small_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "small.tflite").write_bytes(tflite_file())
    graph = read_graph(tmp_path / "small.tflite")
    assert [operator.kind for operator in graph.operators] == ["ADD"]
    assert graph.tensors[0].shape == (1, 2)


@pytest.mark.parametrize(
    "content",
    [
        tflite_file(code=32),
        tflite_file(kind=9),
        tflite_file(shape=(-1, 2)),
        b"\xff\xff\xff\x7fTFL3" + bytes(64),
        b"\x08\x00\x00\x00TFL3",
    ],
)
def test_what_is_not_read_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "odd.tflite").write_bytes(content)
    with pytest.raises(WeightsCorrupt):
        read_graph(tmp_path / "odd.tflite")


def test_a_vector_longer_than_the_file_is_refused(tmp_path: Path) -> None:
    whole = bytearray(tflite_file(shape=(7, 7, 7)))
    place = whole.index(np.array([3, 7, 7, 7], "<i4").tobytes())
    whole[place : place + 4] = np.array([1 << 30], "<i4").tobytes()
    (tmp_path / "long.tflite").write_bytes(whole)
    with pytest.raises(WeightsCorrupt, match="middle of a vector"):
        read_graph(tmp_path / "long.tflite")

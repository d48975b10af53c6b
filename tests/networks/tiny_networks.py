"""Networks of a few bytes with the cards that pin them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from perse.domain.samples import ModelName
from perse.weights.cards import (
    ModelCard,
    PackagedSource,
    PackageSource,
    PathSource,
    UrlSource,
)

NOWHERE = UrlSource(kind="url", url="https://nowhere.invalid/net.onnx")
Source = UrlSource | PackageSource | PackagedSource | PathSource


def card_of(
    content: bytes,
    *,
    source: Source = NOWHERE,
    sources: tuple[Source, ...] = (),
    conversion: str | None = None,
    conversion_int8: str | None = None,
    name: str = "tiny",
    file: str = "tiny.onnx",
) -> ModelCard:
    return ModelCard(
        name=ModelName(name),
        role="face_detector",
        adapter="none",
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        sources=sources or (source,),
        input="anything",
        conversion=conversion,
        conversion_int8=conversion_int8,
    )


def package_source(archive: Path, member: str) -> PackageSource:
    content = archive.read_bytes()
    return PackageSource(
        kind="package",
        package="tiny",
        version="1.0",
        archive=archive.name,
        archive_sha256=hashlib.sha256(content).hexdigest(),
        archive_size_bytes=len(content),
        member=member,
    )


def small_sface() -> bytes:
    """A graph of SFace's operators and ends, its one weight quantised in blocks."""
    values, scale = np.arange(-4, 4, dtype=np.int8).reshape(2, 4), np.ones((2, 2), np.float32)
    nodes = [
        helper.make_node(
            "DequantizeLinear", ["values", "scale", "zero"], ["weight"], axis=1, block_size=2
        ),
        helper.make_node("Gemm", ["data", "weight"], ["fc1"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 2])],
        [
            numpy_helper.from_array(values, "values"),
            numpy_helper.from_array(scale, "scale"),
            numpy_helper.from_array(np.zeros((2, 2), np.int8), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())

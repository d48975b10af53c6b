"""A sum that tells how a processor adds."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from perse.networks.exact_integers import COLUMNS, LENGTH, PROBE, ROWS, WEIGHT, integers_are_exact
from perse.networks.session import open_session


def probe() -> onnx.ModelProto:
    """The weights are constants, as those of a network: the runtime lays them out for its sums."""
    weight = numpy_helper.from_array(np.array([WEIGHT], np.int8))
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["weights"], value=weight),
        helper.make_node("MatMulInteger", ["x", "weights"], ["sums"]),
    ]
    graph = helper.make_graph(
        nodes,
        "exact_integers",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [ROWS, LENGTH])],
        [helper.make_tensor_value_info("sums", TensorProto.INT32, [ROWS, COLUMNS])],
        [numpy_helper.from_array(np.array([LENGTH, COLUMNS], np.int64), "shape")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def test_the_probe_is_what_it_is_said_to_be() -> None:
    assert PROBE.read_bytes() == probe().SerializeToString(deterministic=True)


def test_it_asks_for_sums_that_sixteen_bits_do_not_hold() -> None:
    assert np.iinfo(np.int16).max < 2 * 255 * WEIGHT


def test_small_sums_are_exact_on_every_processor() -> None:
    x = np.arange(ROWS * LENGTH, dtype=np.int64).reshape(ROWS, LENGTH) % 100
    (sums,) = open_session(PROBE).run({"x": x.astype(np.uint8)})
    assert (sums == x.sum(axis=1, keepdims=True) * WEIGHT).all()


def test_the_answer_is_of_this_processor() -> None:
    """What is known of it by name must not contradict what the probe said."""
    flags = processor_flags()
    if flags & {"avx512_vnni", "avx_vnni", "asimddp"}:
        assert integers_are_exact()
    elif "avx2" in flags:
        assert not integers_are_exact()


def processor_flags() -> set[str]:
    """As Linux names them; none elsewhere."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - no file of ours
            named = (line.partition(":") for line in lines)
            return {
                flag
                for key, _, flags in named
                if key.strip() in {"flags", "Features"}
                for flag in flags.split()
            }
    except OSError:
        return set()

"""The released network cannot be had here: a generated one of the same shape stands in."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from perse.domain.samples import ModelName, VoiceSample
from perse.domain.speech import SpeechSegment
from perse.errors import InvalidParameter, NetworkUnusable
from perse.models.session import Session, open_session
from perse.models.wespeaker import RATE_HZ, WespeakerSpeakerEmbedder, log_mel, mean_subtracted
from tests.synthetic_speech import ALICE, speech

NAME = ModelName("wespeaker")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """1 x frames x 80 -> 1 x 256: a fixed mixture of each band's mean square."""
    mixture = np.random.default_rng(6).normal(size=(80, 256)).astype(np.float32)
    nodes = [
        helper.make_node("Mul", ["feats", "feats"], ["squares"]),
        helper.make_node("ReduceMean", ["squares"], ["means"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["means", "mixture"], ["embs"]),
    ]
    graph = helper.make_graph(
        nodes,
        "same_shape",
        [helper.make_tensor_value_info("feats", TensorProto.FLOAT, ["B", "T", 80])],
        [helper.make_tensor_value_info("embs", TensorProto.FLOAT, ["B", 256])],
        [numpy_helper.from_array(mixture, "mixture")],
    )
    path = tmp_path / "same_shape.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path
    )
    return open_session(path)


def test_a_template_has_256_values(session: Session) -> None:
    pytest.importorskip("kaldi_native_fbank")
    sample = VoiceSample(speech(ALICE, 2), RATE_HZ)
    template = WespeakerSpeakerEmbedder(session, NAME).embed(sample, (SpeechSegment(0, 2),))
    assert template.vector.shape == (256,)
    assert template.model == NAME


@pytest.mark.parametrize("speech_there", [(), (SpeechSegment(0, 1),)])
def test_too_little_speech_makes_no_template(
    session: Session, speech_there: tuple[SpeechSegment, ...]
) -> None:
    pytest.importorskip("kaldi_native_fbank")
    sample = VoiceSample(np.zeros(100, np.float32), RATE_HZ)
    with pytest.raises(InvalidParameter, match="too little speech"):
        WespeakerSpeakerEmbedder(session, NAME).embed(sample, speech_there)


def test_other_rates_are_refused(session: Session) -> None:
    pytest.importorskip("kaldi_native_fbank")
    with pytest.raises(InvalidParameter, match="8000"):
        WespeakerSpeakerEmbedder(session, NAME).embed(
            VoiceSample(speech(ALICE, 1), 8000), (SpeechSegment(0, 1),)
        )


def test_the_filter_bank_is_kaldis() -> None:
    kaldi = pytest.importorskip("kaldi_native_fbank")
    frames = log_mel(speech(ALICE, 1), kaldi)
    assert frames.shape == (98, 80)
    assert frames.dtype == np.float32
    louder = log_mel(speech(ALICE, 1) * np.float32(0.5), kaldi) + 2 * np.log(2)
    np.testing.assert_allclose(frames, louder, atol=1e-2)


def test_the_mean_over_time_goes() -> None:
    frames = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.testing.assert_allclose(mean_subtracted(frames).mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(mean_subtracted(frames), mean_subtracted(frames + 5))


def test_without_the_library_the_message_says_what_to_install(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kaldi_native_fbank", None)
    with pytest.raises(NetworkUnusable, match=r"perse\[server\]"):
        WespeakerSpeakerEmbedder(session, NAME)

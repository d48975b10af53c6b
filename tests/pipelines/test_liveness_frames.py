"""Of which frames of a session a template is made."""

from __future__ import annotations

import pytest

from perse.pipelines.liveness_frames import FrameWatch, SentFrame
from tests.fakes.clients import frame
from tests.fakes.faces import EMPTY_SCENE
from tests.fakes.services import FakeServices


def embedded(times_s: list[float], *, without_face: frozenset[float] = frozenset()) -> list[float]:
    """When frames were looked at from which a template was made."""
    watch = FrameWatch(FakeServices().liveness.sensing)
    made = []
    for number, at_s in enumerate(times_s):
        sent = SentFrame.parse(frame(number))
        if at_s in without_face:
            sent = SentFrame(EMPTY_SCENE, sent.client_at_s)
        if watch(sent, at_s=at_s)[0].template is not None:
            made.append(at_s)
    return made


@pytest.mark.parametrize(
    ("step_s", "every_s"), [(0.1, 0.7), (0.5, 2.0)], ids=["many frames", "few frames"]
)
def test_a_template_is_made_now_and_then(step_s: float, every_s: float) -> None:
    times = [round(step_s * index, 3) for index in range(30)]
    made = embedded(times)
    assert made[:3] == pytest.approx([0, every_s, 2 * every_s])


def test_whoever_comes_after_frames_that_were_not_looked_at_is_told_anew() -> None:
    assert embedded([0, 0.5, 1.0, 2.2, 2.7, 4.0]) == [0, 2.2, 4.0]


def test_so_is_whoever_comes_after_nobody() -> None:
    times = [0, 0.4, 0.8, 1.2, 1.6, 1.9]
    assert embedded(times, without_face=frozenset({0.8, 1.2})) == [0, 1.6]

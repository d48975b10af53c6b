"""Sessions of drawn films through the real networks: what passes, and why the rest does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.liveness_sessions.instruments import BONA_FIDE, INSTRUMENTS
from benchmarks.liveness_sessions.material import Sitter
from benchmarks.liveness_sessions.recordings import filmed, sitter_of, write_mjpeg, write_y4m
from benchmarks.liveness_sessions.running import Watch, run, seeded
from perse.bootstrap.faces import FaceServices, wire_faces
from perse.bootstrap.similarity import scale_of
from perse.bootstrap.weights import obtain_networks
from perse.domain.session_frames import FailureReason, Prompt, SessionJudgement, SessionKind
from perse.domain.session_judgement import SessionRules, judge
from perse.settings import load_settings
from perse.weights.liveness_sessions import shipped_session_rules
from tests.real_house import PORTRAITS

PROMPTS = [Prompt.LOOK_AHEAD, Prompt.LOOK_LEFT, Prompt.LOOK_UP]


@pytest.fixture(scope="module")
def stage(
    pack_folders: dict[str, Path],
) -> tuple[FaceServices, SessionRules, Sitter, Sitter]:
    folder = pack_folders["standard"]
    settings = load_settings(data_dir=folder, pack="standard", offline=True)
    on_disk = obtain_networks(settings)
    rules = shipped_session_rules(
        scale_of(on_disk.card("face_embedder")), on_disk.cards.get("face_attack_detector")
    )
    sitters = [sitter_of(PORTRAITS / f"{it}.jpg", folder) for it in ("obama_2012", "collins_1992")]
    return wire_faces(settings, on_disk), rules, sitters[0], sitters[1]


def judged(stage: tuple[FaceServices, SessionRules, Sitter, Sitter], name: str) -> SessionJudgement:
    faces, rules, one, other = stage
    film = INSTRUMENTS[name](one, other, seeded(name))
    watch = Watch(faces.decode, faces.capture, faces.searched.scale, {})
    session = run(film, PROMPTS, watch, rules.points)
    return judge(SessionKind.HEAD_TURNS, session.prompts, session.frames, rules)


def test_a_head_that_turns_passes(
    stage: tuple[FaceServices, SessionRules, Sitter, Sitter],
) -> None:
    told = judged(stage, BONA_FIDE)
    assert told.reasons == ()
    assert told.scores.relief is not None
    assert told.scores.relief > 0.6


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("print, bent and turned", FailureReason.NO_DEPTH),
        ("two people, swapped", FailureReason.FACE_CHANGED),
    ],
)
def test_what_is_no_person_there_and_now_fails_for_its_own_reason(
    stage: tuple[FaceServices, SessionRules, Sitter, Sitter], name: str, reason: FailureReason
) -> None:
    assert reason in judged(stage, name).reasons


def test_films_become_files_that_a_browser_takes_for_a_camera(
    stage: tuple[FaceServices, SessionRules, Sitter, Sitter], tmp_path: Path
) -> None:
    _, _, one, other = stage
    film = INSTRUMENTS[BONA_FIDE](one, other, seeded("file"))
    frames = list(filmed(film, PROMPTS[:2], step_s=0.5, frames_per_s=4))
    assert len(frames) == 4
    write_mjpeg(tmp_path / "film.mjpeg", frames)
    assert (tmp_path / "film.mjpeg").read_bytes().count(b"\xff\xd8\xff") == 4
    write_y4m(tmp_path / "film.y4m", frames, frames_per_s=4)
    content = (tmp_path / "film.y4m").read_bytes()
    header, _, planes = content.partition(b"\n")
    size = re.fullmatch(rb"YUV4MPEG2 W(\d+) H(\d+) F4:1 Ip A1:1 C420mpeg2", header)
    assert size is not None
    width, height = int(size[1]), int(size[2])
    assert (width % 2, height % 2) == (0, 0)
    assert len(planes) == 4 * (len(b"FRAME\n") + width * height * 3 // 2)

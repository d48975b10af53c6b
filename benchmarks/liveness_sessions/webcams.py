"""What real people and real prints before a webcam show of depth, and passive sessions of them.

    python -m benchmarks.liveness_sessions.webcams depth --frames ../shared/data/pad_dev
    python -m benchmarks.liveness_sessions.webcams passive --frames ../shared/data/pad_dev

``--frames``: ``live`` and ``spoof``, a folder a person, frames named SEQUENCE_NUMBER.jpg. Depth:
pairs of frames of a sequence, about half a second apart or more, in which a person turned by at
least ten degrees; prints were turned and bent by hand, which pose networks hardly see, so those are
judged as if a turn of 20 degrees had been told. Passive: every sequence of eight frames and more,
two a second, whatever their numbers say, since the data is thinned.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.liveness_sessions.material import largest, part_of, read
from benchmarks.liveness_sessions.running import Session, Watch, seeded
from benchmarks.liveness_sessions.tables import print_table
from perse.bootstrap.faces import FaceServices, wire_faces
from perse.bootstrap.similarity import scale_of
from perse.bootstrap.weights import obtain_networks
from perse.domain.geometry import DetectedFace, HeadPose
from perse.domain.relief import HeadShape, Relief, angle_between, relief
from perse.domain.samples import FaceImage
from perse.domain.session_frames import GivenPrompt, ObservedFrame, Prompt, SessionKind
from perse.imaging.parallax import FaceTracker
from perse.settings import load_settings
from perse.weights.liveness_sessions import shipped_session_rules

LEAST_DEGREES = 10.0
MOST_PAIRS = 20
STEP_S = 0.5
_AHEAD = 8.0
_TOLD = 20.0
_QUANTILES = (0.01, 0.05, 0.1, 0.5, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One frame: where it lies, its face and how that is turned."""

    path: Path
    face: DetectedFace
    pose: HeadPose


def sequences(folder: Path) -> Mapping[str, list[Path]]:
    """By name, each in the order of the frames' numbers."""
    found: dict[str, list[tuple[int, Path]]] = {}
    for path in folder.rglob("*.jpg"):
        name, number = path.stem.rsplit("_", 1)
        found.setdefault(name, []).append((int(number), path))
    return {name: [path for _, path in sorted(them)] for name, them in sorted(found.items())}


def looks(paths: Sequence[Path], faces: FaceServices) -> Iterator[Look]:
    for path in paths:
        image = FaceImage(read(path))
        face = largest(faces.capture.find(image))
        if face is not None:
            yield Look(path, face, faces.capture.assess.pose.estimate(image, face))


def turned_pairs(seen: Sequence[Look]) -> list[tuple[Look, Look]]:
    """From one that looks ahead to one that is turned far enough."""
    ahead = [it for it in seen if max(abs(it.pose.yaw), abs(it.pose.pitch)) < _AHEAD]
    return [
        (one, other)
        for one in ahead
        for other in seen
        if angle_between(one.pose, other.pose) >= LEAST_DEGREES
    ]


def told_pairs(seen: Sequence[Look]) -> list[tuple[Look, Look]]:
    """Any two, with a turn to one side told of the second."""
    pairs = [(one, other) for one in seen for other in seen if one is not other]
    sides = (-_TOLD, _TOLD)
    return [
        (one, replace(other, pose=HeadPose(one.pose.yaw + sides[at % 2], one.pose.pitch, 0)))
        for at, (one, other) in enumerate(pairs)
    ]


def relief_of(pair: tuple[Look, Look], head: HeadShape) -> Relief | None:
    follow = FaceTracker()
    one, other = (
        ObservedFrame(
            at_s=0.0,
            digest=b"",
            faces=1,
            box=look.face.box,
            landmarks=look.face.landmarks,
            pose=look.pose,
            tracks=follow(FaceImage(read(look.path)), look.face),
        )
        for look in pair
    )
    return relief(one, other, head)


def print_depth(folder: Path, faces: FaceServices, head: HeadShape) -> None:
    quantiles = "".join(f"{100 * it:>7.0f} %" for it in _QUANTILES)
    print(f"\ndepth{'':27}{'pairs':>8}{'lost':>6}{quantiles}")
    for kind, pairs_of in (("live", turned_pairs), ("spoof", told_pairs)):
        told: list[Relief | None] = []
        turns: list[float] = []
        for name, paths in sequences(folder / kind).items():
            seen = list(looks(paths if kind == "live" else paths[:8], faces))
            turns += _turns(seen)
            pairs = pairs_of(seen)
            few = seeded(name).permutation(len(pairs))[: MOST_PAIRS if kind == "live" else 3]
            told += [relief_of(pairs[at], head) for at in few]
        values = np.quantile(turns, _QUANTILES)
        row = "".join(f"{it:>9.1f}" for it in values)
        print(f"{kind + ', degrees to a side':32}{len(turns):>8}{'':6}{row}")
        known = [it for it in told if it is not None]
        for what in ("slope", "unbent"):
            values = np.quantile([getattr(it, what) for it in known], _QUANTILES)
            row = "".join(f"{it:>9.2f}" for it in values)
            print(f"{kind + ', ' + what:32}{len(known):>8}{len(told) - len(known):>6}{row}")


def _turns(seen: Sequence[Look]) -> list[float]:
    """How far the network sees each frame turned to a side, from the middle of its sequence."""
    yaws = np.array([it.pose.yaw for it in seen])
    return [float(it) for it in abs(yaws - np.median(yaws))]


def passive_sessions(folder: Path, faces: FaceServices) -> Iterator[tuple[str, Session]]:
    """By whose they are: of people that trained the attack detector, or of others."""
    people = sorted((it.name for it in (folder / "live").iterdir()), key=part_of)
    for kind in ("live", "spoof"):
        for paths in sequences(folder / kind).values():
            if len(paths) < 8:
                continue
            watch = Watch(faces.decode, faces.capture, faces.searched.scale, {})
            frames = [
                watch.observe(path.read_bytes(), at_s=at * STEP_S, client_at_s=at * STEP_S)
                for at, path in enumerate(paths[:12])
            ]
            new = paths[0].parent.name in people[-2:]
            whose = "person not trained with" if new else "others"
            yield f"{kind}, {whose}", Session([GivenPrompt(Prompt.LOOK_AHEAD, 0.0)], frames)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("depth", "passive"))
    parser.add_argument("--frames", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, default=Path("build"))
    parser.add_argument("--pack", default="standard")
    arguments = parser.parse_args()
    settings = load_settings(pack=arguments.pack, data_dir=arguments.data_dir)
    on_disk = obtain_networks(settings)
    faces = wire_faces(settings, on_disk)
    rules = shipped_session_rules(
        scale_of(on_disk.card("face_embedder")), on_disk.cards.get("face_attack_detector")
    )
    if arguments.what == "depth":
        print_depth(arguments.frames, faces, rules.head)
        return
    kept: dict[str, list[Session]] = {}
    for name, session in passive_sessions(arguments.frames, faces):
        kept.setdefault(name, []).append(session)
    print_table(kept, rules, kinds=[SessionKind.PASSIVE])


if __name__ == "__main__":
    main()

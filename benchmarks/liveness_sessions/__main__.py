"""How many liveness sessions pass, by what is held before the camera.

    python -m benchmarks.liveness_sessions run --people 24 --keep SEEN
    python -m benchmarks.liveness_sessions table --kept SEEN
    python -m benchmarks.liveness_sessions fit --kept SEEN_OF_OTHERS

Every film is drawn from one picture of a person (``instruments.py``), goes frame by frame through
the networks that serve, and is asked as a server asks. ``run`` measures and keeps what was seen,
``--fit`` of the people that the operating points are fitted on; ``table`` judges it with the points
that ship. Nobody of either has trained the attack detector.
"""

from __future__ import annotations

import argparse
import pickle
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.liveness_sessions.instruments import INSTRUMENTS
from benchmarks.liveness_sessions.material import Sitter, people, sitter
from benchmarks.liveness_sessions.running import (
    FRAMES_PER_S,
    Session,
    Watch,
    drawn_prompts,
    run,
    seeded,
)
from benchmarks.liveness_sessions.tables import print_cost, print_fit, print_table
from perse.bootstrap.face_networks import open_face_networks
from perse.bootstrap.faces import wire_faces
from perse.bootstrap.similarity import scale_of
from perse.bootstrap.weights import PackOnDisk, obtain_networks
from perse.domain.session_judgement import SessionRules
from perse.networks.facemesh import FaceMeshPose
from perse.settings import Settings, load_settings
from perse.weights.liveness_sessions import shipped_session_rules

MOVEMENTS = 3
Kept = dict[str, list[Session]]


def main() -> None:
    arguments = _arguments()
    settings = load_settings(pack=arguments.pack, data_dir=arguments.data_dir)
    on_disk = obtain_networks(settings)
    rules = shipped_session_rules(
        scale_of(on_disk.card("face_embedder")), on_disk.cards.get("face_attack_detector")
    )
    if arguments.verb == "run":
        _run(arguments, settings, on_disk, rules)
        return
    kept: Kept = {}
    for file in arguments.kept:
        for name, sessions in pickle.loads(file.read_bytes()).items():  # noqa: S301
            kept.setdefault(name, []).extend(sessions)
    if arguments.verb == "fit":
        print_fit(kept, rules)
    else:
        print_table(kept, rules)


def _run(
    arguments: argparse.Namespace, settings: Settings, on_disk: PackOnDisk, rules: SessionRules
) -> None:
    faces = wire_faces(settings, on_disk)
    spent_s: dict[str, float] = {}
    kept: Kept = {name: [] for name in INSTRUMENTS if arguments.only in name}
    until = time.monotonic() + arguments.seconds
    sitters = list(_sitters(arguments, on_disk))
    for index, one in enumerate(sitters):
        for name in kept:
            if time.monotonic() > until:
                break
            rng = seeded(one.name, name)
            film = INSTRUMENTS[name](one, sitters[index - 1], rng)
            watch = Watch(faces.decode, faces.capture, faces.searched.scale, spent_s)
            prompts = drawn_prompts(rng, MOVEMENTS)
            session = run(film, prompts, watch, rules.points, arguments.rate)
            kept[name].append(session)
    arguments.keep.write_bytes(pickle.dumps(kept))
    print_cost(spent_s)


def _sitters(arguments: argparse.Namespace, on_disk: PackOnDisk) -> Iterator[Sitter]:
    networks = open_face_networks(on_disk, threads=1)
    assert isinstance(networks.pose, FaceMeshPose)
    left = arguments.people
    for path in people(arguments.faces, shown=not arguments.fit)[arguments.skip :]:
        if not left:
            return
        one = sitter(path, networks.detector, networks.pose)
        if one is not None:
            left -= 1
            yield one


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=("run", "table", "fit"))
    parser.add_argument("--pack", default="standard")
    parser.add_argument("--data-dir", type=Path, default=Path("build"))
    parser.add_argument("--faces", type=Path, default=Path("../shared/data/faces_dev"))
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--rate", type=float, default=FRAMES_PER_S, help="frames a second")
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--kept", type=Path, nargs="*", default=[])
    return parser.parse_args()


main()

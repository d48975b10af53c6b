"""Films as files that Chromium takes for a camera.

    python -m benchmarks.liveness_sessions.recordings --picture PORTRAIT.jpg --out FOLDER

    chromium --use-fake-ui-for-media-stream --use-fake-device-for-media-stream \\
        --use-file-for-fake-video-capture=FOLDER/NAME.mjpeg

A file answers nothing: its movements come in the order that is given here (``--prompts``), one
every ``--step`` seconds, and start over at its end. ``.y4m`` is the same without compression.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.liveness_sessions.films import Film
from benchmarks.liveness_sessions.instruments import INSTRUMENTS
from benchmarks.liveness_sessions.material import Sitter, sitter
from benchmarks.liveness_sessions.running import seeded
from perse.bootstrap.face_networks import open_face_networks
from perse.bootstrap.weights import obtain_networks
from perse.domain.session_frames import GivenPrompt, Prompt
from perse.networks.facemesh import FaceMeshPose
from perse.settings import load_settings


def filmed(
    film: Film, prompts: Sequence[Prompt], *, step_s: float, frames_per_s: float
) -> Iterator[bytes]:
    """JPEG after JPEG: each prompt is given ``step_s`` after the one before."""
    given = [GivenPrompt(prompt, at * step_s) for at, prompt in enumerate(prompts)]
    for index in range(round(len(prompts) * step_s * frames_per_s)):
        at_s = index / frames_per_s
        yield film.frame(at_s, [it for it in given if it.at_s <= at_s])


def write_mjpeg(path: Path, frames: Sequence[bytes]) -> None:
    path.write_bytes(b"".join(frames))


def write_y4m(path: Path, frames: Sequence[bytes], *, frames_per_s: int) -> None:
    """YUV4MPEG2 with 4:2:0 planes; the first frame's size is that of all."""
    with path.open("wb") as file:
        for index, frame in enumerate(frames):
            seen = cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR)
            if seen is None:
                raise ValueError("not a JPEG picture")
            height, width = seen.shape[:2]
            if index == 0:
                header = f"YUV4MPEG2 W{width} H{height} F{frames_per_s}:1 Ip A1:1 C420mpeg2\n"
                file.write(header.encode())
            file.write(b"FRAME\n" + cv2.cvtColor(seen, cv2.COLOR_BGR2YUV_I420).tobytes())


def sitter_of(picture: Path, data_dir: Path, pack: str = "standard") -> Sitter:
    """Raises ValueError for a picture without a face that looks ahead."""
    on_disk = obtain_networks(load_settings(pack=pack, data_dir=data_dir))
    networks = open_face_networks(on_disk, threads=1)
    if not isinstance(networks.pose, FaceMeshPose):
        raise ValueError(f"the pack {pack} has no FaceMesh")
    found = sitter(picture, networks.detector, networks.pose)
    if found is None:
        raise ValueError(f"{picture} shows no face that looks ahead")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--picture", type=Path, required=True)
    parser.add_argument("--other", type=Path, help="whom two people are swapped with")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, default=Path("build"))
    parser.add_argument("--prompts", nargs="+", default=[str(it) for it in Prompt])
    parser.add_argument("--step", type=float, default=2.5)
    parser.add_argument("--rate", type=int, default=15)
    parser.add_argument("--only", default="")
    parser.add_argument("--y4m", action="store_true")
    arguments = parser.parse_args()
    one = sitter_of(arguments.picture, arguments.data_dir)
    other = sitter_of(arguments.other, arguments.data_dir) if arguments.other else one
    arguments.out.mkdir(parents=True, exist_ok=True)
    prompts = [Prompt(it) for it in arguments.prompts]
    for name in (it for it in INSTRUMENTS if arguments.only in it):
        film = INSTRUMENTS[name](one, other, seeded(one.name, name))
        frames = list(filmed(film, prompts, step_s=arguments.step, frames_per_s=arguments.rate))
        path = arguments.out / name.replace(",", "").replace(" ", "-")
        if arguments.y4m:
            write_y4m(path.with_suffix(".y4m"), frames, frames_per_s=arguments.rate)
        else:
            write_mjpeg(path.with_suffix(".mjpeg"), frames)
        print(f"{path.name}: {len(frames)} frames")


if __name__ == "__main__":
    main()

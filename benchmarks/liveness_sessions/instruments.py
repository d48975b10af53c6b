"""The attack instruments, and the stand-in for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import cv2
import numpy as np

from benchmarks.liveness_sessions.films import (
    Camera,
    Delayed,
    Film,
    Generator,
    Looped,
    Manner,
    Replayed,
    Swapped,
    Turning,
    drawn_manner,
)
from benchmarks.liveness_sessions.material import Sitter
from benchmarks.liveness_sessions.surfaces import Surface, sheet_of
from perse.domain.samples import Pixels
from perse.domain.session_frames import GivenPrompt, Prompt

Maker = Callable[[Sitter, Sitter, Generator], Film]
BONA_FIDE = "rendered head, for a person"
# Sheets are turned until they almost vanish, since pose networks see little of their turns.
_FAR = Manner(yaw=50, pitch=40)


def head(sitter: Sitter, _: Sitter, rng: Generator) -> Turning:
    """A calm person's; the same frames injected are the attack that nothing here detects."""
    return Turning(sitter.head, drawn_manner(rng), Camera(rng))


def _print(manner: Manner, *, held: bool = False, bend: float = 0.0, fold: float = 0.0) -> Maker:
    def make(sitter: Sitter, _: Sitter, rng: Generator) -> Film:
        axis = float(rng.normal(0, 8)) if bend or fold else 0.0
        sheet = _sheet(sitter, printed(sitter.picture, rng), rng, bend=bend, fold=fold, axis=axis)
        return Turning(sheet, manner, Camera(rng), held_still=held)

    return make


def _display(manner: Manner, *, held: bool) -> Maker:
    def make(sitter: Sitter, _: Sitter, rng: Generator) -> Film:
        sheet = _sheet(sitter, shown(rng)(sitter.picture), rng)
        return Turning(sheet, manner, Camera(rng), held_still=held)

    return make


def head_on_display(sitter: Sitter, other: Sitter, rng: Generator) -> Turning:
    return replace(
        head(sitter, other, rng), treated=shown(rng), hand=_sheet(sitter, sitter.picture, rng)
    )


def _replay(make: Callable[[Sitter, Sitter, Generator], Turning]) -> Maker:
    def replayed(sitter: Sitter, other: Sitter, rng: Generator) -> Film:
        order = [Prompt.LOOK_AHEAD, *rng.permutation([it for it in Prompt if it != "look_ahead"])]
        recorded = [GivenPrompt(Prompt(it), 2.2 * index) for index, it in enumerate(order)]
        return Replayed(make(sitter, other, rng), recorded)

    return replayed


def swapped(sitter: Sitter, other: Sitter, rng: Generator) -> Film:
    return Swapped(head(sitter, other, rng), head(other, sitter, rng))


def slides(sitter: Sitter, other: Sitter, rng: Generator) -> Film:
    """Pictures of one person from several sides, one after the other."""
    film = head(sitter, other, rng)
    film.manner = replace(film.manner, cuts=True)
    return film


INSTRUMENTS: Mapping[str, Maker] = {
    BONA_FIDE: head,
    "print, held still": _print(Manner(), held=True),
    "print, turned": _print(_FAR),
    "print, bent and turned": _print(_FAR, bend=0.55),
    "print, folded and turned": _print(_FAR, fold=0.6),
    "display, held still": _display(Manner(), held=True),
    "display, turned": _display(_FAR, held=False),
    "rendered head on a display": head_on_display,
    "another session on a display": _replay(head_on_display),
    "another session, injected": _replay(head),
    "two people, swapped": swapped,
    "slides of one person": slides,
    "frames sent twice": lambda *them: Looped(head(*them)),
    "frames sent late": lambda *them: Delayed(head(*them)),
}


def _sheet(
    sitter: Sitter,
    picture: Pixels,
    rng: Generator,
    *,
    bend: float = 0.0,
    fold: float = 0.0,
    axis: float = 0.0,
) -> Surface:
    return sheet_of(
        picture,
        sitter.face.box.centre,
        sitter.head.eyes_px,
        room(picture.shape[:2], rng),
        bend=bend,
        fold=fold,
        axis_degrees=axis,
    )


def room(shape: tuple[int, ...], rng: Generator) -> Pixels:
    """Something blurred behind."""
    blots = rng.uniform(40, 200, (6, 8, 3)).astype(np.float32)
    return np.asarray(
        cv2.resize(blots, shape[1::-1], interpolation=cv2.INTER_CUBIC).clip(0, 255), np.uint8
    )


def printed(picture: Pixels, rng: Generator) -> Pixels:
    """Inks reach neither black nor white nor all colours, paper has a grain."""
    grey = picture.mean(axis=2, keepdims=True)
    faded = (grey + (picture - grey) * rng.uniform(0.5, 0.95)) / 255
    black, white = rng.uniform(0.05, 0.2), rng.uniform(0.82, 0.97)
    inked = 255 * (black + (white - black) * faded ** rng.uniform(0.8, 1.2))
    grain = cv2.GaussianBlur(rng.standard_normal(picture.shape[:2]).astype(np.float32), (0, 0), 1.0)
    return np.asarray((inked + rng.uniform(2, 8) * grain[..., None]).clip(0, 255), np.uint8)


def shown(rng: Generator) -> Callable[[Pixels], Pixels]:
    """On a panel: raised black, a cast, and lines that the camera's pixels beat with."""
    black, gamma = rng.uniform(0.02, 0.12), rng.uniform(0.8, 1.25)
    cast = np.array([rng.uniform(0.85, 1), rng.uniform(0.9, 1), rng.uniform(1, 1.15)])
    pitch, depth, slope = rng.uniform(2.1, 4.0), rng.uniform(0.02, 0.12), rng.uniform(-0.1, 0.1)

    def on_panel(picture: Pixels) -> Pixels:
        height, width = picture.shape[:2]
        y, x = np.mgrid[:height, :width]
        lines = 1 + depth * np.sin(2 * np.pi * (x + slope * y) / pitch)
        light = (black + (1 - black) * (picture / 255) ** gamma) * cast * lines[..., None]
        soft = cv2.GaussianBlur((255 * light).clip(0, 255).astype(np.uint8), (0, 0), 0.6)
        return np.asarray(soft, np.uint8)

    return on_panel

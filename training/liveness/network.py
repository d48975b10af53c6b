"""The attack detector: a small residual network, one logit.

Input N x 3 x 128 x 128, RGB 0..1; output N x 1, log odds of a bona fide presentation before
calibration: what the teacher would say, in its own log odds, plus a share of what the labels say.
While training, three more heads imitate the teacher's inner values; they are not shipped.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from bank import EMBEDDING, MAP_CHANNELS, MAP_PX
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 256
LABELLED_SHARE = 0.3  # more stops more recaptures, and a live person unlike the few who train


def _unit(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    padding = (kernel - stride + 1) // 2
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Two convolutions around a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _unit(channels, channels, 3),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.body(x))


@dataclass(frozen=True, slots=True)
class Imitation:
    """N x 1 each: ``taught`` (the teacher's log odds, standardised), ``labelled`` (log odds);
    ``embedding`` N x 128, ``middle`` and ``end`` N x 128 x 8 x 8, standardised."""

    taught: Tensor
    labelled: Tensor
    embedding: Tensor
    middle: Tensor
    end: Tensor


class AttackNetwork(nn.Module):
    """Plain convolutions after a first one of stride 4: on a CPU they train and run faster than
    depthwise ones of the same accuracy. The last one weighs each place of the 8 x 8 by itself, as
    the teacher does, instead of taking their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.early = nn.Sequential(
            _unit(3, 32, 8, 4), Residual(32), _unit(32, 64, 3, 2), Residual(64), Residual(64)
        )
        self.late = nn.Sequential(_unit(64, 128, 3, 2), Residual(128))
        self.last = nn.Sequential(_unit(128, WIDTH, 1), _placed())
        self.decide = nn.Linear(WIDTH, 2)
        self.embedding = nn.Linear(WIDTH, EMBEDDING)
        self.middle = nn.Conv2d(64, MAP_CHANNELS, 1)
        self.end = nn.Conv2d(128, MAP_CHANNELS, 1)
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        seen = self.imitate(x)
        return seen.taught * self.spread + self.mean + LABELLED_SHARE * seen.labelled

    def imitate(self, x: Tensor) -> Imitation:
        early = self.early(x * 2 - 1)
        late = self.late(early)
        features = self.last(late).flatten(1)
        taught, labelled = self.decide(features).split(1, dim=1)
        middle = self.middle(functional.avg_pool2d(early, 2))
        return Imitation(taught, labelled, self.embedding(features), middle, self.end(late))


def _placed() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(WIDTH, WIDTH, MAP_PX, groups=WIDTH, bias=False), nn.BatchNorm2d(WIDTH)
    )


def parameter_count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())

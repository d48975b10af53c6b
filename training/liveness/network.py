"""The attack detector: a small residual network, one logit.

Input N x 3 x 128 x 128, RGB 0..1; output N x 1, log odds of a bona fide presentation before
calibration. While training, a second head paints the log spectrum of the input from the middle
features: grids, dots and blur live there, and the head is dropped from the shipped file.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

SPECTRUM_PX = 16


def _unit(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
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


class AttackNetwork(nn.Module):
    """Plain convolutions after a first one of stride 4: on a CPU they train and run faster than
    depthwise ones of the same accuracy, and 7 x 7 patches at full resolution still see dots and
    sub-pixels."""

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.early = nn.Sequential(_unit(3, 32, 7, 4), Residual(32), _unit(32, 64, 3, 2))
        self.late = nn.Sequential(
            Residual(64), _unit(64, 96, 3, 2), Residual(96), _unit(96, 192, 1)
        )
        self.spectrum = nn.Sequential(nn.Conv2d(64, 32, 1), nn.ReLU(), nn.Conv2d(32, 1, 3, 1, 1))
        self.dropout = nn.Dropout(dropout)
        self.decide = nn.Linear(192, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self._decided(self.early(x * 2 - 1))

    def with_spectrum(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N x 1) and the painted spectrum (N x 1 x 16 x 16)."""
        features = self.early(x * 2 - 1)
        return self._decided(features), self.spectrum(features)

    def _decided(self, features: Tensor) -> Tensor:
        pooled = self.late(features).mean((2, 3))
        return self.decide(self.dropout(pooled))


def log_spectrum(x: Tensor) -> Tensor:
    """Log magnitude of the grey picture's spectrum, centred, N x 1 x 16 x 16, mean 0, spread 1."""
    grey = x.mean(1, keepdim=True)
    magnitude = torch.fft.fftshift(torch.fft.fft2(grey).abs(), dim=(2, 3))
    small = functional.adaptive_avg_pool2d(torch.log1p(magnitude), SPECTRUM_PX)
    flat = small.flatten(1)
    flat = (flat - flat.mean(1, keepdim=True)) / (flat.std(1, keepdim=True) + 1e-6)
    return flat.view_as(small)


def parameter_count(network: AttackNetwork) -> int:
    """Parameters that reach the shipped file."""
    kept = (p for name, p in network.named_parameters() if not name.startswith("spectrum"))
    return sum(p.numel() for p in kept)

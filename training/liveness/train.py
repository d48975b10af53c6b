"""Train the attack detector on the crops of prepare.py and write a checkpoint.

python train.py --cache CACHE --out RUN [--rotation 0|1|2]
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from bank import Bank, read
from network import AttackNetwork, Imitation, parameter_count
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

SHARES = {
    ("press", "live"): 0.25,
    ("press", "simulated"): 0.17,
    ("webcam", "live"): 0.17,
    ("webcam", "printed_photograph"): 0.17,
    ("webcam", "mixed"): 0.18,
    ("webcam", "simulated"): 0.06,
}
SPREAD = 10.0  # of the teacher's log odds, about
BEND = 0.3
TAUGHT_WEIGHT, EMBEDDING_WEIGHT, MAPS_WEIGHT, LABEL_WEIGHT = 6.0, 1.0, 0.5, 0.3
SMOOTHING = 0.02
MIRRORED = 0.3
WARM = 0.05
MOST_GRADIENT = 5.0
LEAST_SPREAD = 1e-3

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard."""

    steps: int = 1200
    batch: int = 64
    rate: float = 4e-3
    decay: float = 0.02
    keep: float = 0.99
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Standard:
    """Mean and spread of the teacher's inner values over a bank: what the heads paint is 0 ± 1."""

    embedding: tuple[Values, Values]
    maps: tuple[Values, Values]

    @staticmethod
    def of(bank: Bank) -> Standard:
        embeddings, maps = bank.embeddings.astype(np.float32), bank.maps
        per_channel = (maps.mean((0, 3, 4), np.float32), _spread_of_maps(maps))
        return Standard(
            (embeddings.mean(0), embeddings.std(0) + LEAST_SPREAD),
            (per_channel[0][:, :, None, None], per_channel[1][:, :, None, None]),
        )


def _spread_of_maps(maps: NDArray[np.float16]) -> Values:
    """2 x 128, from every tenth crop: the whole bank as float32 would not fit a small machine."""
    return maps[::10].astype(np.float32).std((0, 3, 4)) + LEAST_SPREAD


def odds(bank: Bank) -> NDArray[np.float64]:
    """How often each crop is drawn, so that the groups come in SHARES."""
    chance = np.zeros(len(bank.species))
    for (origin, species), share in SHARES.items():
        group = np.char.startswith(bank.species, species) & (bank.origin == origin)
        if group.any():
            chance[group] = share / group.sum()
    return chance / chance.sum()


def labels(bank: Bank) -> Values:
    """1 live, 0 attack, each a little softened; NaN for mixed faces, of which nobody can say."""
    hard = np.where(bank.species == "live", 1.0, 0.0) * (1 - 2 * SMOOTHING) + SMOOTHING
    return np.where(bank.species == "mixed", np.nan, hard).astype(np.float32)


def batch_of(
    crops: NDArray[np.uint8], mirrored: NDArray[np.bool_], rng: np.random.Generator
) -> Tensor:
    """Some mirrored, all slightly tinted: n x 3 x 128 x 128, 0..1.

    More would not be fair: the teacher spoke of these very crops.
    """
    seen = crops.copy()
    seen[mirrored] = seen[mirrored][:, :, ::-1]
    tint = np.exp(rng.normal(0, 0.03, (len(crops), 3, 1, 1))).astype(np.float32)
    planes = torch.from_numpy(seen).permute(0, 3, 1, 2).float() / 255
    tinted = (planes * torch.from_numpy(tint)).clamp_(0, 1)
    return tinted.contiguous(memory_format=torch.channels_last)


def rate_at(at: float) -> float:
    """0..1 at 0..1 of the way: a short rise, then half a cosine."""
    if at < WARM:
        return max(at, 1e-3) / WARM
    return 0.5 * (1 + math.cos(math.pi * (at - WARM) / (1 - WARM)))


class Lesson:
    """What a network is asked of the rows of a bank."""

    def __init__(self, bank: Bank) -> None:
        self._bank, self._standard, self._labels = bank, Standard.of(bank), labels(bank)
        self.mean = float(bank.log_odds.mean())

    def loss(self, said: Imitation, rows: NDArray[np.int64], mirrored: NDArray[np.bool_]) -> Tensor:
        """Inner values are asked of crops that are not mirrored: they would be others."""
        straight = torch.from_numpy(~mirrored)
        taught = (self._bank.log_odds[rows] - self.mean) / SPREAD
        total = TAUGHT_WEIGHT * functional.smooth_l1_loss(
            said.taught.float()[:, 0], _tensor(taught), beta=BEND
        )
        embedding = _tensor(_standardised(self._bank.embeddings[rows], self._standard.embedding))
        maps = _tensor(_standardised(self._bank.maps[rows], self._standard.maps))
        for weight, own, wanted in (
            (EMBEDDING_WEIGHT, said.embedding, embedding),
            (MAPS_WEIGHT, said.middle, maps[:, 0]),
            (MAPS_WEIGHT, said.end, maps[:, 1]),
        ):
            total = total + weight * functional.smooth_l1_loss(
                own.float()[straight], wanted[straight]
            )
        return total + LABEL_WEIGHT * _cross_entropy(said.labelled[:, 0], self._labels[rows])


def _tensor(values: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))


def _standardised(values: NDArray[np.float16], standard: tuple[Values, Values]) -> Values:
    return (values.astype(np.float32) - standard[0]) / standard[1]


def _cross_entropy(logits: Tensor, wanted: Values) -> Tensor:
    known = np.isfinite(wanted)
    chosen = logits.float()[torch.from_numpy(known)]
    return functional.binary_cross_entropy_with_logits(chosen, _tensor(wanted[known]))


def train(bank: Bank, plan: Plan) -> AttackNetwork:
    """The running mean of the weights along the way, from chance."""
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    network = AttackNetwork().train().to(memory_format=torch.channels_last)
    mean, lesson, chance = copy.deepcopy(network), Lesson(bank), odds(bank)
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.rate, weight_decay=plan.decay)
    started, losses = time.monotonic(), []
    for step in range(plan.steps):
        rows = rng.choice(len(chance), plan.batch, p=chance)
        for group in optimiser.param_groups:
            group["lr"] = plan.rate * rate_at(step / plan.steps)
        mirrored = rng.random(plan.batch) < MIRRORED
        with torch.autocast("cpu", torch.bfloat16):
            said = network.imitate(batch_of(bank.crops[rows], mirrored, rng))
        loss = lesson.loss(said, rows, mirrored)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), MOST_GRADIENT)
        optimiser.step()
        _follow(mean, network, min(plan.keep, (step + 1) / (step + 10)))
        losses.append(float(loss.detach()))
        if (step + 1) % 100 == 0:
            took = time.monotonic() - started
            print(f"step {step + 1}: loss {np.mean(losses[-100:]):.4f}, {took:.0f} s", flush=True)
    mean.mean.fill_(lesson.mean)
    mean.spread.fill_(SPREAD)
    return mean.eval()


@torch.no_grad()
def _follow(mean: AttackNetwork, network: AttackNetwork, keep: float) -> None:
    old, new = mean.state_dict(), network.state_dict()
    for name, value in old.items():
        if value.dtype.is_floating_point:
            value.lerp_(new[name], 1 - keep)
        else:
            value.copy_(new[name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rotation", type=int, choices=(0, 1, 2))
    parser.add_argument("--steps", type=int, default=Plan().steps)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(steps=options.steps, seed=options.seed)
    bank = read(options.cache, "training")
    bank = bank.only(bank.part(options.rotation) == "train")
    network = train(bank, plan)
    options.out.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), options.out / "network.pt")
    facts = {
        "plan": asdict(plan),
        "rotation": options.rotation,
        "crops": len(bank.species),
        "people": len(set(bank.person.tolist())),
        "parameters": parameter_count(network),
    }
    (options.out / "run.json").write_text(json.dumps(facts, indent=1))
    print(json.dumps(facts))


if __name__ == "__main__":
    main()

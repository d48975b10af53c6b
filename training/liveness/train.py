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
from network import AttackNetwork, log_spectrum, parameter_count
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

INPUT_PX = 128
SHARES = {
    ("press", "live"): 0.25,
    ("webcam", "live"): 0.22,
    ("webcam", "printed_photograph"): 0.22,
    ("any", "simulated_print"): 0.12,
    ("any", "simulated_screen"): 0.11,
    ("any", "simulated_replay"): 0.08,
}
SOFT_SHARE = 0.3
SMOOTHING = 0.02
SPECTRUM_WEIGHT = 0.2
JUDGES_CENTRE, JUDGES_SPREAD, JUDGES_LIMIT = -14.0, 5.0, 4.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard. ``draws``: crops in one epoch."""

    epochs: int = 8
    draws: int = 9600
    batch: int = 96
    rate: float = 3e-3
    decay: float = 0.02
    keep: float = 0.995
    seed: int = 1
    judges_weight: float = 0.0


def judged(bank: Bank) -> NDArray[np.float32]:
    """The judges' summed log odds as a wanted logit, NaN where they were not asked.

    Each judge alone errs often, but their sum parts training people's live faces from prints
    almost without error at JUDGES_CENTRE; how far a picture lies from it is worth learning.
    """
    wanted = (bank.logits.sum(axis=1) - JUDGES_CENTRE) / JUDGES_SPREAD
    return np.clip(wanted, -JUDGES_LIMIT, JUDGES_LIMIT).astype(np.float32)


def targets(bank: Bank) -> NDArray[np.float32]:
    """Hard labels, softened by those judges that agree with them: the others' errors stay out."""
    hard = (bank.species == "live").astype(np.float64)
    soft = 1 / (1 + np.exp(-np.clip(bank.logits, -30, 30)))
    agrees = (soft > 0.5) == hard[:, None].astype(bool)
    agrees &= np.isfinite(bank.logits)
    weight = agrees.sum(axis=1)
    mean = np.where(agrees, np.nan_to_num(soft), 0).sum(axis=1) / np.maximum(weight, 1)
    mixed = np.where(weight > 0, (1 - SOFT_SHARE) * hard + SOFT_SHARE * mean, hard)
    return (mixed * (1 - 2 * SMOOTHING) + SMOOTHING).astype(np.float32)


def odds(bank: Bank) -> NDArray[np.float64]:
    """How often each crop is drawn, so that the groups come in SHARES."""
    chance = np.zeros(len(bank.species))
    for (origin, species), share in SHARES.items():
        group = bank.species == species
        if origin != "any":
            group &= bank.origin == origin
        if group.any():
            chance[group] = share / group.sum()
    return chance / chance.sum()


def batch_of(crops: NDArray[np.uint8], rng: np.random.Generator) -> Tensor:
    """Shifted, mirrored, relit, partly covered: n x 3 x 128 x 128, 0..1."""
    spare = crops.shape[1] - INPUT_PX
    out = np.empty((len(crops), INPUT_PX, INPUT_PX, 3), np.uint8)
    for row, crop in enumerate(crops):
        y, x = rng.integers(0, spare + 1, 2)
        seen = crop[y : y + INPUT_PX, x : x + INPUT_PX]
        out[row] = seen[:, ::-1] if rng.random() < 0.5 else seen
        if rng.random() < 0.35:
            height, width = rng.integers(12, 64, 2)
            top, left = rng.integers(0, INPUT_PX - 12, 2)
            out[row, top : top + height, left : left + width] = rng.integers(0, 256, 3)
    tensor = torch.from_numpy(out).permute(0, 3, 1, 2).float() / 255
    gain = torch.from_numpy(np.exp(rng.normal(0, 0.15, (len(crops), 3, 1, 1))).astype(np.float32))
    shared = torch.from_numpy(np.exp(rng.normal(0, 0.2, (len(crops), 1, 1, 1))).astype(np.float32))
    lift = torch.from_numpy(rng.normal(0, 0.04, (len(crops), 1, 1, 1)).astype(np.float32))
    tensor = (tensor * (1 + (gain - 1) * 0.4) * shared + lift).clamp(0, 1)
    return tensor.contiguous(memory_format=torch.channels_last)


def rate_at(step: int, steps: int) -> float:
    """0..1: a short rise, then half a cosine."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def distance(logits: Tensor, wanted: Tensor) -> Tensor:
    """Mean square distance where a logit is wanted, 0 where none is."""
    known = torch.isfinite(wanted)
    if not bool(known.any()):
        return logits.sum() * 0
    return functional.mse_loss(logits[known], wanted[known])


def train(bank: Bank, plan: Plan, start: AttackNetwork | None = None) -> AttackNetwork:
    """The running mean of the weights along the way, from ``start`` or from chance."""
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    network = (start or AttackNetwork()).train().to(memory_format=torch.channels_last)
    mean = copy.deepcopy(network)
    labels, wanted, chance = targets(bank), judged(bank), odds(bank)
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.rate, weight_decay=plan.decay)
    per_epoch = plan.draws // plan.batch
    steps = plan.epochs * per_epoch
    started, losses = time.monotonic(), []
    for step in range(steps):
        rows = rng.choice(len(chance), plan.batch, p=chance)
        for group in optimiser.param_groups:
            group["lr"] = plan.rate * rate_at(step, steps)
        x = batch_of(bank.crops[rows], rng)
        y = torch.from_numpy(labels[rows])
        with torch.autocast("cpu", torch.bfloat16):
            logits, painted = network.with_spectrum(x)
        loss = functional.binary_cross_entropy_with_logits(logits.float()[:, 0], y)
        loss = loss + SPECTRUM_WEIGHT * functional.mse_loss(painted.float(), log_spectrum(x))
        if plan.judges_weight:
            asked = torch.from_numpy(wanted[rows])
            loss = loss + plan.judges_weight * distance(logits.float()[:, 0], asked)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        _follow(mean, network, min(plan.keep, (step + 1) / (step + 10)))
        losses.append(float(loss.detach()))
        if (step + 1) % per_epoch == 0:
            recent = float(np.mean(losses[-per_epoch:]))
            print(
                f"epoch {(step + 1) // per_epoch}: loss {recent:.4f}, "
                f"{time.monotonic() - started:.0f} s",
                flush=True,
            )
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
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--draws", type=int, default=9600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--judges-weight", type=float, default=0.0)
    parser.add_argument("--start", type=Path, help="the folder of a run to go on from")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    plan = Plan(
        epochs=options.epochs,
        draws=options.draws,
        seed=options.seed,
        rate=options.rate,
        judges_weight=options.judges_weight,
    )
    bank = read(options.cache, "training")
    bank = bank.only(bank.part(options.rotation) == "train")
    start = None
    if options.start:
        start = AttackNetwork()
        start.load_state_dict(torch.load(options.start / "network.pt", weights_only=True))
    network = train(bank, plan, start)
    options.out.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), options.out / "network.pt")
    facts = {
        "plan": asdict(plan),
        "start": options.start.name if options.start else None,
        "rotation": options.rotation,
        "crops": len(bank.species),
        "people": len(set(bank.person.tolist())),
        "parameters": parameter_count(network),
    }
    (options.out / "run.json").write_text(json.dumps(facts, indent=1))
    print(json.dumps(facts))


if __name__ == "__main__":
    main()

"""Operating points of this installation in the place of the catalogue's."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from perse.domain.decisions import OperatingPoint
from perse.evaluation.local_points import KINDS, Kind, LocalPoints, LocalPointsFolder
from perse.weights.cards import AttackPoint, ModelCard, OperatingPoints, Pack, Role

Cards = Mapping[Role, ModelCard]

CATALOGUE = "catalogue"
# The networks that a threshold follows from; the last one's card carries the operating points.
ROLES_BY_KIND: Mapping[Kind, tuple[Role, ...]] = MappingProxyType(
    {
        "face": ("face_detector", "face_embedder"),
        "voice": ("speech_detector", "speaker_embedder"),
        "liveness": ("face_detector", "face_attack_detector"),
    }
)


def made_with(cards: Cards, *roles: Role) -> str:
    """Digest of the networks in ``roles`` that the pack has, and of how they are run."""
    facts = [
        (card.role, card.name, card.sha256, card.adapter, dict(card.parameters))
        for role, card in sorted(cards.items())
        if role in roles
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def local_points_of(data_dir: Path, cards: Cards) -> Mapping[Kind, LocalPoints]:
    """What this installation measured with just these networks. Raises SettingsInvalid."""
    folder = LocalPointsFolder.of(data_dir)
    found = {kind: folder.in_use(kind, made_with(cards, *ROLES_BY_KIND[kind])) for kind in KINDS}
    return {kind: points for kind, points in found.items() if points is not None}


def cards_with(cards: Cards, local: Mapping[Kind, LocalPoints]) -> Cards:
    """The cards, their operating points replaced."""
    changed = dict(cards)
    for kind, points in local.items():
        role = ROLES_BY_KIND[kind][-1]
        changed[role] = _card_with(changed[role], points)
    return changed


def pack_with(pack: Pack, local: Mapping[Kind, LocalPoints]) -> Pack:
    """The pack, its default rates replaced."""
    face, voice = local.get("face"), local.get("voice")
    return replace(
        pack,
        default_fmr=face.default_rate if face else pack.default_fmr,
        default_voice_fmr=voice.default_rate if voice else pack.default_voice_fmr,
    )


def named_points(local: Mapping[str, str], **kinds: str) -> Mapping[str, str]:
    """What each threshold stands on: the id of local points of its kind, else the catalogue."""
    return {threshold: local.get(kind, CATALOGUE) for threshold, kind in kinds.items()}


def _card_with(card: ModelCard, points: LocalPoints) -> ModelCard:
    if points.kind == "liveness":
        return replace(card, attack_point=_attack_point(points))
    return replace(card, operating_points=_operating_points(points))


def _operating_points(points: LocalPoints) -> OperatingPoints:
    return OperatingPoints(
        points=tuple(OperatingPoint(point.rate, point.threshold) for point in points.points),
        dataset=points.source,
        pairs=points.trials,
        date=datetime.date.fromisoformat(points.at[:10]),
        largest_supported_claim=min(point.rate for point in points.points),
        measured_with=", ".join(points.networks.values()),
    )


def _attack_point(points: LocalPoints) -> AttackPoint:
    return AttackPoint(
        score=points.default.threshold,
        apcer=points.default.false_accepts,
        bpcer=points.default.false_rejects,
        attack_species=points.species,
        dataset=points.source,
        presentations=points.trials,
        date=datetime.date.fromisoformat(points.at[:10]),
    )

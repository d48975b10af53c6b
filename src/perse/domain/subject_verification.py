"""Is this the enrolled person? What a face, a voice, or both of them together decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from perse.domain.faces import AssessedFace, FaceThresholds
from perse.domain.references import BiometricReference, Modality, SampleId
from perse.domain.samples import ModelName
from perse.domain.throttling import Guess
from perse.domain.voices import CapturedVoice, VoiceThresholds
from perse.errors import ReferenceModelMismatch, SampleNotFound


class Policy(StrEnum):
    """How a face and a voice decide together: ``ANY`` of them matches, ``ALL`` that were sent do,
    or their ``FUSED`` similarity does."""

    ANY = "any"
    ALL = "all"
    FUSED = "fused"


class Outcome(StrEnum):
    """``NOT_ASSESSABLE``: what was sent says too little of a person to tell."""

    MATCH = "match"
    NO_MATCH = "no_match"
    NOT_ASSESSABLE = "not_assessable"


@dataclass(frozen=True, slots=True)
class EnrolledSamples:
    """A subject's samples of one modality, one or more, all of the network in use.
    ``other_networks``: how many there are beside them that no longer compare."""

    references: Sequence[BiometricReference]
    other_networks: int

    @classmethod
    def among(
        cls, references: Sequence[BiometricReference], modality: Modality, network: ModelName
    ) -> EnrolledSamples:
        """Raises SampleNotFound without samples of the modality, and ReferenceModelMismatch when
        none of them is of ``network``."""
        mine = [it for it in references if it.record.modality is modality]
        if not mine:
            raise SampleNotFound(f"this subject has no {modality} to compare with: add one")
        compared = [it for it in mine if it.record.model == network]
        if not compared:
            others = ", ".join(sorted({it.record.model for it in mine}))
            raise ReferenceModelMismatch(
                f"every {modality} of this subject was added with {others}, and {network} is in "
                "use now: add a new one"
            )
        return cls(compared, len(mine) - len(compared))


@dataclass(frozen=True, slots=True)
class SamplesCompared:
    """A probe compared with a subject's samples.

    ``similarity``: 0..1, with all of them together; 0 where it is not assessable. ``best``: the
    highest with a single one, which is ``best_sample``; None where nothing is assessable.
    ``compared``: how many took part; ``other_networks``: how many were made by another network.
    ``obstacle``: why the similarity is not assessable, as a sentence; None where it is.
    """

    similarity: float
    supported: bool
    best: float
    best_sample: SampleId | None
    compared: int
    other_networks: int
    obstacle: str | None
    models: Mapping[str, ModelName]

    @property
    def assessable(self) -> bool:
        return self.obstacle is None


@dataclass(frozen=True, slots=True)
class FaceEvidence:
    """``seen``: the face that was sent, with its recognisability where that is known."""

    samples: SamplesCompared
    seen: AssessedFace
    thresholds: FaceThresholds

    @property
    def threshold(self) -> float:
        return self.thresholds.similarity

    @property
    def highest_measured(self) -> float:
        """Up to which similarity false match rates were measured."""
        return max(self.thresholds.similarity_by_fmr.values(), default=1.0)

    @property
    def bona_fide(self) -> bool:
        """False where the face is no live person's, as far as that can be told."""
        pad, least = self.seen.pad, self.thresholds.liveness
        return pad is None or least is None or pad.value >= least


@dataclass(frozen=True, slots=True)
class VoiceEvidence:
    """``heard``: the voice that was sent. Whether it is live nobody can tell."""

    samples: SamplesCompared
    heard: CapturedVoice
    thresholds: VoiceThresholds

    @property
    def threshold(self) -> float:
        return self.thresholds.similarity

    @property
    def highest_measured(self) -> float:
        """Up to which similarity false match rates were measured."""
        return max(self.thresholds.similarity_by_fmr.values(), default=1.0)

    @property
    def bona_fide(self) -> bool:
        return True


Evidence = FaceEvidence | VoiceEvidence


@dataclass(frozen=True, slots=True)
class FusedEvidence:
    """``similarity``: of face and voice together, on the scale of each; None where only one of
    them could be assessed. ``threshold``: the higher one of the two."""

    similarity: float | None
    supported: bool
    threshold: float


@dataclass(frozen=True, slots=True)
class SubjectVerification:
    """``rule``: what decided; the only modality that was sent or could be assessed, else
    ``policy``."""

    face: FaceEvidence | None
    voice: VoiceEvidence | None
    fused: FusedEvidence | None
    policy: Policy
    decision: Outcome
    rule: str

    @property
    def guess(self) -> Guess | None:
        """How it counts against the limit of guesses; None where nothing was told that helps one.

        A modality that was told and does not match is a wrong guess whatever decided, since a voice
        that matches would else let faces be tried without end; but where the fused similarity
        matches, it is what was guessed. Where it does not and either one does, both were wrong.
        """
        told = {Modality(_modality(it)): outcome_of(it) for it in (self.face, self.voice) if it}
        matched = frozenset(it for it, outcome in told.items() if outcome is Outcome.MATCH)
        failed = frozenset(it for it, outcome in told.items() if outcome is Outcome.NO_MATCH)
        if self.decision is Outcome.MATCH and self.rule == Policy.FUSED:
            return Guess(frozenset(), matched)
        if failed:
            return Guess(failed, matched)
        if self.decision is Outcome.NO_MATCH:
            return Guess(matched)
        return Guess(frozenset(), matched) if self.decision is Outcome.MATCH else None


def outcome_of(evidence: Evidence) -> Outcome:
    """What one modality says by itself."""
    return _outcome(evidence, evidence.threshold)


def decide(
    evidence: Sequence[Evidence], policy: Policy, fused: FusedEvidence | None
) -> tuple[Outcome, str]:
    """The outcome, and the rule that made it. ``evidence``: one, or a face and a voice.
    ``fused``: where ``policy`` is that.

    What cannot be assessed decides nothing but under ``ALL``, which it keeps from a match. Under
    ``FUSED`` what is left has to reach the fused threshold, so that covering the face does not make
    it easier; where nobody measured so rare errors of it, it cannot tell. And no voice makes up for
    a face that is not live.
    """
    if len(evidence) == 1:
        return outcome_of(evidence[0]), _modality(evidence[0])
    if policy is Policy.FUSED and fused is not None:
        return _by_fused(evidence, fused)
    outcomes = {outcome_of(it) for it in evidence}
    first, last = (
        (Outcome.MATCH, Outcome.NOT_ASSESSABLE)
        if policy is Policy.ANY
        else (Outcome.NO_MATCH, Outcome.MATCH)
    )
    (middle,) = set(Outcome) - {first, last}
    return next(it for it in (first, middle, last) if it in outcomes), policy


def _by_fused(evidence: Sequence[Evidence], fused: FusedEvidence) -> tuple[Outcome, str]:
    live = all(it.bona_fide for it in evidence)
    if fused.similarity is not None:
        matches = live and fused.similarity >= fused.threshold
        return Outcome.MATCH if matches else Outcome.NO_MATCH, Policy.FUSED
    left = next((it for it in evidence if it.samples.assessable), None)
    if left is None:
        return Outcome.NOT_ASSESSABLE, Policy.FUSED
    if not live:
        return Outcome.NO_MATCH, _modality(left)
    beyond = fused.threshold > left.highest_measured
    if beyond and outcome_of(left) is Outcome.MATCH:
        return Outcome.NOT_ASSESSABLE, _modality(left)
    return _outcome(left, fused.threshold), _modality(left)


def _outcome(evidence: Evidence, threshold: float) -> Outcome:
    if not evidence.samples.assessable:
        return Outcome.NOT_ASSESSABLE
    matches = evidence.bona_fide and evidence.samples.similarity >= threshold
    return Outcome.MATCH if matches else Outcome.NO_MATCH


def _modality(evidence: Evidence) -> str:
    return Modality.FACE if isinstance(evidence, FaceEvidence) else Modality.VOICE

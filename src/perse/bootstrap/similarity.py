"""What an embedder's measured operating points say."""

from __future__ import annotations

from perse.domain.decisions import SimilarityScale
from perse.domain.identification import SearchClaims
from perse.domain.resemblance import ResemblanceScale
from perse.errors import CatalogInvalid, InvalidParameter
from perse.weights.cards import ModelCard, OperatingPoints
from perse.weights.fusion import shipped_sample_fusion
from perse.weights.recognisability import shipped_recognisability

# A template is replaced only on a similarity that one pair of strangers in so many reaches.
_FMR_OF_A_MOVE = 1e-5


def scale_of(card: ModelCard) -> ResemblanceScale:
    """Raises CatalogInvalid for a network that nobody has measured."""
    points = SimilarityScale(_measured(card).points)
    return ResemblanceScale(
        points, shipped_recognisability(card.name), shipped_sample_fusion(card.name)
    )


def claims_of(card: ModelCard) -> SearchClaims:
    """What is known of searches. Raises CatalogInvalid for a network that nobody has measured."""
    measured = _measured(card)
    return SearchClaims(SimilarityScale(measured.points), measured.largest_supported_claim)


def surely_of(card: ModelCard) -> float:
    """The similarity from which on a picture may renew a template of that network."""
    try:
        return scale_of(card).points.threshold(_FMR_OF_A_MOVE)
    except InvalidParameter as problem:
        raise CatalogInvalid(
            f"users of {card.name} are moved at a false match rate of 1e-5: {problem.message}; "
            "measure it at that rate, or set PERSE_PREVIOUS_PACK=none"
        ) from None


def _measured(card: ModelCard) -> OperatingPoints:
    if card.operating_points is None:
        raise CatalogInvalid(
            f"{card.name} has no operating points, so its similarity would mean nothing: measure "
            "them on your own pictures and add them to your catalogue"
        )
    return card.operating_points

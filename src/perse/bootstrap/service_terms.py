"""On which terms a server serves, as the audit log tells them when they are others."""

from __future__ import annotations

from perse import __version__
from perse.bootstrap.ground import Ground
from perse.domain.audit import Act, Deed
from perse.settings import Settings

# What says who may do what, what is kept and for how long, and what is decided by.
_SETTINGS = (
    "consent",
    "consent_purpose",
    "enrolment_gate",
    "reference_ttl_days",
    "samples_per_subject",
    "limit_guesses",
    "rate_limit",
    "face_fmr",
    "voice_fmr",
    "int8",
    "previous_pack_until",
)


def terms_of_service(settings: Settings, ground: Ground) -> Deed:
    """No secret is in it: of signing keys it names the ids."""
    on_disk = ground.on_disk
    previous = on_disk.previous
    details = {
        "version": __version__,
        "pack": on_disk.pack.name,
        "previous_pack": previous.pack.name if previous else "none",
        **{f"network of {role}": card.name for role, card in sorted(on_disk.cards.items())},
        **{f"points of {kind}": name for kind, name in sorted(on_disk.local_points.items())},
        **{name: str(getattr(settings, name)) for name in _SETTINGS},
        "signing_keys": ", ".join(key.kid for key in ground.signing_keys.keys),
    }
    return Deed(Act.SERVE, on_disk.pack.name, details=details)

"""Other servers of the same installation, asked for what they publish."""

from __future__ import annotations

import time
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

import httpx2

import perse
from perse.bootstrap.examination import Found, State
from perse.errors import PerseError

_PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Neighbour:
    """``took_s``: until it said that it is ready. ``signing_keys``: ids of those it publishes."""

    took_s: float
    version: str
    pack: str
    signing_keys: Set[str]

    def compared(self, *, packs: Sequence[str | None], signing_keys: Set[str]) -> Found:
        """With this server, whose pack is the first of ``packs``, the previous one the second.

        Raises PerseError where the two cannot serve one installation.
        """
        said = f"ready in {self.took_s * 1e3:.0f} ms, perse {self.version}, pack {self.pack}"
        if self.signing_keys != signing_keys:
            raise PerseError(
                f"{said}: its signing keys are not those of this server, so that tokens of one are "
                "refused by the other: give both the same PERSE_TOKEN_SIGNING_KEYS"
            )
        if self.pack not in packs:
            raise PerseError(
                f"{said}: this server has pack {packs[0]}, and users of one cannot be compared "
                "by the other: give both the same PERSE_PACK"
            )
        if self.pack != packs[0]:
            return Found(f"{said}, the pack that users are moved from", State.WARNING)
        if self.version != perse.__version__:
            return Found(f"{said}, which is not this server's version", State.WARNING)
        return Found(f"{said}, the same signing keys")


def ask(url: str) -> Neighbour:
    """Raises PerseError when it does not answer, or not as a ready server does."""
    try:
        with httpx2.Client(base_url=url, timeout=_PATIENCE_S) as client:
            began = time.perf_counter()
            if not client.get("/health/ready").is_success:
                raise PerseError("it is not ready, or no perse: look at its log")
            took_s = time.perf_counter() - began
            told = _json(client, "/version")
            keys = _json(client, "/.well-known/jwks.json")["keys"]
        return Neighbour(took_s, told["version"], told["pack"], {key["kid"] for key in keys})
    except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
        raise PerseError(f"it cannot be reached ({problem}): check address and network") from None
    except (ValueError, KeyError, TypeError):
        raise PerseError("it answers, but not as perse does: check the address") from None


def _json(client: httpx2.Client, path: str) -> Any:  # noqa: ANN401
    return client.get(path).raise_for_status().json()

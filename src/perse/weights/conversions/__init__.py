"""Published network files made into ONNX, once, on the machine that will run them.

A conversion is a module of this package with ``convert(source: Path, target: Path) -> None``: it
is deterministic, runs no code of the file that it reads, and raises WeightsCorrupt for a file of
another network. Its version rises when its result changes, so that older results are made anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Final

from perse.errors import CatalogInvalid, PerseError, WeightsCorrupt

VERSIONS: Final[Mapping[str, int]] = MappingProxyType(
    {"campplus": 2, "facemesh": 1, "sface": 1, "sface_int8": 1, "yunet": 1}
)


def version_of(conversion: str) -> int:
    """Raises CatalogInvalid when there is no such conversion."""
    version = VERSIONS.get(conversion)
    if version is None:
        raise CatalogInvalid(f"there is no conversion {conversion!r}; there are {list(VERSIONS)}")
    return version


def convert(conversion: str, source: Path, target: Path) -> None:
    """Make the ONNX file ``target`` of the published file ``source``.

    Raises CatalogInvalid when there is no such conversion, WeightsCorrupt when ``source`` is not
    the network that it converts.
    """
    version_of(conversion)
    # Loaded only when there is something to convert: the ONNX library delays a start noticeably.
    try:
        import_module(f"{__name__}.{conversion}").convert(source, target)
    except PerseError:
        raise
    except Exception as error:  # a file made to be wrong can raise nearly anything
        raise WeightsCorrupt(
            f"{source.name} is not the network that the conversion {conversion} reads: {error!r}"
        ) from error

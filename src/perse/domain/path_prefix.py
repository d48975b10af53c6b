"""The path of a proxy under which everything of ours stands."""

from __future__ import annotations

import re
from typing import Final

_PREFIX = re.compile(r"(?:/(?!\.\.?(?:/|\Z))[A-Za-z0-9._~-]+)*")
LONGEST_PREFIX: Final = 200


def path_prefix(text: str) -> str | None:
    """A path that may stand before every path of ours, without a slash at its end.

    None for what could be anything else in a link: another host (``//x``), another folder
    (``/..``), characters that would have to be escaped, or more of them than anybody needs.
    """
    prefix = text.removesuffix("/")
    return prefix if len(prefix) <= LONGEST_PREFIX and _PREFIX.fullmatch(prefix) else None

"""Pages of a chain's entries: of the consent ledger, and of the audit log."""

from __future__ import annotations

from typing import Final

from perse.api.http.calls import Call
from perse.api.http.operations import Parameter
from perse.api.http.queries import whole_number

_MOST_PER_PAGE, _PER_PAGE = 1000, 100
# A billion entries a second for thirty years.
_SEQ_PATTERN: Final = "^[1-9][0-9]{0,17}$"
_LARGEST_SEQ: Final = 10**18 - 1

PAGING: Final = (
    Parameter(
        "limit",
        "query",
        f"Most entries to answer at once; {_PER_PAGE} where it is not sent.",
        {"type": "integer", "minimum": 1, "maximum": _MOST_PER_PAGE},
    ),
    Parameter(
        "cursor",
        "query",
        "`next_cursor` of the page before.",
        {"type": "string", "pattern": _SEQ_PATTERN},
    ),
)


def paging_of(call: Call) -> tuple[int, int]:
    """The entry that the page begins behind, 0 without a cursor; and how many entries it has at
    most. Raises InvalidParameter."""
    query = call.request.query_params
    limit = whole_number(query.get("limit", str(_PER_PAGE)), "limit", most=_MOST_PER_PAGE)
    cursor = query.get("cursor")
    after = 0 if cursor is None else whole_number(cursor, "cursor", most=_LARGEST_SEQ)
    return after, limit

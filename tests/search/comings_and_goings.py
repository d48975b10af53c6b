"""What happens among a tenant's subjects before a search is asked what it knows of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypothesis import strategies as st

from perse.domain.references import Template, UserToken
from tests.fakes.subject_feed import FakeFeed

# Who, and how many samples they have from now on; without any they are removed.
Changes = Sequence[tuple[int, int]]
CHANGES: st.SearchStrategy[Changes] = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 3)), max_size=40
)


def comings_and_goings(feed: FakeFeed, pool: Sequence[Template], changes: Changes) -> Iterator[int]:
    """Make the changes with samples of the ``pool``; yields after each, which one it was."""
    tokens: dict[int, UserToken] = {}
    for turn, (person, samples) in enumerate(changes):
        if samples:
            some = [pool[(turn * 3 + n) % len(pool)] for n in range(samples)]
            tokens[person] = feed.put(
                *some, token=tokens.get(person), collections=["odd"] * (turn % 2)
            )
        elif person in tokens:
            feed.remove(tokens.pop(person))
        if turn % 5 == 4:
            feed.remove_collection("odd")
        yield turn

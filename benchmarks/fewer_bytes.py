"""How many strangers a search would have to look at again if it read less of everybody.

    python benchmarks/face_operating_points.py --pack standard --kept build/fusion/standard.npz
    python -m benchmarks.fewer_bytes build/fusion/standard.npz

Templates are cut to a few bits a value or to their leading directions, and whoever can reach the
threshold by what is known of the part that was left out would be looked at again (decision 22).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perse.search.quantised import Probe, quantise

Wide = NDArray[np.float64]
Rows = NDArray[np.intp]
# Of SFace, where galleries of a thousand and of a million have their thresholds at FPIR 0.01.
COSINES = (0.4656, 0.51)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kept", type=Path, help="npz: vectors; names, PERSON/FILE")
    parser.add_argument("--cosines", type=float, nargs="+", default=COSINES)
    given = parser.parse_args()
    kept = np.load(given.kept)
    vectors = kept["vectors"].astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    people = np.array([name.split("/")[0] for name in kept["names"]])
    strangers = people[:, None] != people[None, :]
    print(f"{len(vectors):,} templates of {len(set(people)):,} people; shares of strangers at or "
          f"above cosines of {', '.join(map(str, given.cosines))}")  # fmt: skip
    for name, bounds in ways(vectors, people):
        told = strangers[np.ix_(bounds[1], bounds[1])]
        shares = [(bounds[0][told] >= cosine).mean() for cosine in given.cosines]
        print(f"  {name:44}" + "".join(f"{share:10.1e}" for share in shares))


def ways(vectors: Wide, people: NDArray[np.str_]) -> Iterator[tuple[str, tuple[Wide, Rows]]]:
    """What cosines are not above, and of which templates."""
    everybody = np.arange(len(vectors))
    yield "the cosine itself", (vectors @ vectors.T, everybody)
    yield "as it is kept", (as_kept(vectors), everybody)
    for bits in (1, 2, 3, 4):
        kept = in_bits(vectors, bits)
        lost = np.linalg.norm(vectors - kept, axis=1)
        name = f"{bits} bits a value, lost on average {lost.mean():.2f}"
        yield name, (vectors @ kept.T + lost, everybody)
    first = np.isin(people, np.unique(people)[::2])
    _, directions = np.linalg.eigh(vectors[first].T @ vectors[first])
    turned = vectors[~first] @ directions[:, ::-1]
    for width in range(vectors.shape[1] // 2, vectors.shape[1] + 1, 16):
        rest = np.linalg.norm(turned[:, width:], axis=1)
        name = f"{width} directions, left out {np.mean(rest**2):.2f} of the square"
        bounds = turned[:, :width] @ turned[:, :width].T + np.outer(rest, rest)
        yield name, (bounds, everybody[~first])


def as_kept(vectors: Wide) -> Wide:
    codes, looseness = quantise(vectors.astype(np.float32))
    probes = [Probe.of(vector) for vector in vectors.astype(np.float32)]
    wide = codes.astype(np.int32)
    return np.stack([it.ceilings(wide @ it.codes.astype(np.int32), looseness) for it in probes])


def in_bits(vectors: Wide, bits: int) -> Wide:
    """A step for each vector, which its largest value fits."""
    if bits == 1:
        return np.asarray(np.sign(vectors) * np.abs(vectors).mean(axis=1, keepdims=True))
    most = 2.0 ** (bits - 1) - 0.5
    steps = np.abs(vectors).max(axis=1, keepdims=True) / most
    return np.asarray((np.clip(np.floor(vectors / steps), -most - 0.5, most - 0.5) + 0.5) * steps)


if __name__ == "__main__":
    main()

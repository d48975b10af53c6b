"""The exact search among many: time beside a bare reading of the same bytes, recall, memory.

    python -m benchmarks.identification [--count 1000000] [--values 128] [--queries 1000]
    python -m benchmarks.identification --large [--count 10000000]  # without what is compared again
    python -m benchmarks.identification --kernels    # ways to multiply bytes (decision 15)
    python -m benchmarks.identification --table      # FPIR by gallery: what is supported
    python -m benchmarks.identification --filling [--count 100000] [--database postgresql://...]

Templates are made up, unit vectors of all directions: strangers' cosines spread wider in real ones
of as many values, which makes searching easier. faiss is measured beside where it is installed, on
the same vectors in float32. Times are processor time of one thread, least and median of the rounds,
and the reading beside is taken in the same rounds; run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from typing import Any

import numpy as np
import psutil

from benchmarks.byte_products import show_kernels, timed
from benchmarks.search_filling import show_filling
from perse.bootstrap.similarity import claims_of
from perse.domain.decisions import OperatingPoint, SimilarityScale, fmr_key
from perse.domain.identification import AttributedTemplate
from perse.domain.likeness import FaceLikeness
from perse.domain.references import Template
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import ModelName
from perse.search.index import TemplateIndex
from perse.search.kernels import fastest_kernel, numkong_kernel
from perse.search.quantised import Vectors
from perse.search.ranking import RankSubjects
from perse.weights.catalogue import load_catalog

NET = ModelName("made-up")
SCALE = ResemblanceScale(SimilarityScale([OperatingPoint(1e-2, 0.2), OperatingPoint(1e-5, 0.45)]))
# Beyond what a million of them reach, as the threshold of a real search is.
AS_IDENTIFIED = 0.95
ABOVE_ALL = 1.0
TOP = 10
ROUNDS = 15
PART = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--values", type=int, default=128)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--kernels", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--large", action="store_true", help="the index alone, and no recall")
    parser.add_argument("--filling", action="store_true", help="a server's index, from storage")
    parser.add_argument("--database", help="of --filling; a SQLite file where it is not given")
    given = parser.parse_args()
    print(f"{date.today()}  {platform.machine()}, {os.cpu_count()} cores, load "
          f"{os.getloadavg()[0]:.1f}, Python {platform.python_version()}")  # fmt: skip
    if given.table:
        show_table()
    elif given.filling:
        show_filling(given.count, given.values, given.database)
    elif given.large:
        measure_index(given.count, given.values)
    elif given.kernels:
        show_kernels(given.values)
    else:
        measure(given.count, given.values, given.queries)


def show_table() -> None:
    """What the catalogue's operating points carry."""
    catalog = load_catalog()
    networks = (("sface", "standard"), ("mobilefacenet", "compact"), ("campplus", "voices"))
    for name, role in networks:
        claims = claims_of(catalog.card(name))
        print(f"\n{role}: similarity threshold by FPIR and samples searched; ! = not supported")
        sizes = (1, 10, 100, 1000, 10_000, 100_000, 1_000_000)
        print("FPIR   " + "".join(f"{size:>11,}" for size in sizes) + "  largest supported")
        for fpir in (1e-1, 1e-2, 1e-3):
            found = [claims.threshold(fpir, size) for size in sizes]
            cells = (f"{it.similarity:.3f}{' ' if it.supported else '!'}" for it in found)
            print(f"{fmr_key(fpir):7}" + "".join(f"{cell:>11}" for cell in cells)
                  + f"{found[0].largest_supported:>12,}")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Truth:
    """Every template is another subject's, named by its number."""

    vectors: Vectors

    def __call__(self, numbers: Sequence[int]) -> list[AttributedTemplate]:
        return [AttributedTemplate(f"{n:08}", Template(self.vectors[n], NET)) for n in numbers]


def measure(count: int, values: int, queries: int) -> None:
    vectors = np.concatenate([*made_up(count, values, seed=1)])
    probes = np.concatenate([*made_up(max(queries, 64), values, seed=2)])
    TemplateIndex(values).add(range(PART), vectors[:PART])  # what is paid once
    before = resident_bytes()
    index = TemplateIndex(values)
    filling = timed(lambda: index.add(range(count), vectors))
    fastest = "numkong" if fastest_kernel() is numkong_kernel else "NumPy"
    bytes_each = (resident_bytes() - before) / count
    print(f"{count:,} templates of {values} values, {fastest}: filled in "
          f"{filling:.1f} s, {bytes_each:.0f} bytes each\n")  # fmt: skip
    rank = RankSubjects(index, Truth(vectors))
    show("bare reading of the bytes", lambda: read(index))
    turn = iter(range(10**9))

    def one(least: float) -> object:
        return rank([face(probes[next(turn) % len(probes)])], TOP, least)

    show(
        "one query as identify asks, with a threshold",
        lambda: one(AS_IDENTIFIED),
        floor=lambda: read(index),
    )
    show(f"one query, the {TOP} nearest in any case", lambda: one(0.0), floor=lambda: read(index))
    many = [face(vector) for vector in probes[:64]]
    show("64 queries at once, each, with a threshold",
         lambda: rank(many, TOP, AS_IDENTIFIED), floor=lambda: read(index), parts=64)  # fmt: skip
    show(f"64 queries at once, each, the {TOP} nearest",
         lambda: rank(many, TOP, 0.0), floor=lambda: read(index), parts=64)  # fmt: skip
    for threads in (1, 2):
        print(f"  {threads} threads, a query each, with a threshold: "
              f"{per_second(lambda: one(AS_IDENTIFIED), threads):.0f} a second")  # fmt: skip
    change(index, probes)
    show_faiss(vectors, probes, lambda: read(index))
    show_recall(rank, vectors, probes[:queries])


def measure_index(count: int, values: int) -> None:
    """Searches that find nobody, as most do; nobody's template is there to be compared again."""
    before, index, done = resident_bytes(), TemplateIndex(values), 0
    for part in made_up(count, values, seed=1):
        index.add(range(done, done := done + len(part)), part)
    print(f"{count:,} templates of {values} values, "
          f"{(resident_bytes() - before) / count:.0f} bytes each\n")  # fmt: skip
    rank = RankSubjects(index, lambda _: [])
    probes = [face(vector) for part in made_up(64, values, seed=2) for vector in part]
    show("bare reading of the bytes", lambda: read(index))
    show("one query as identify asks, with a threshold",
         lambda: rank(probes[:1], TOP, ABOVE_ALL), floor=lambda: read(index))  # fmt: skip
    show("64 queries at once, each, with a threshold", lambda: rank(probes, TOP, ABOVE_ALL),
         floor=lambda: read(index), parts=64, rounds=3)  # fmt: skip


def face(vector: Vectors) -> FaceLikeness:
    return FaceLikeness(Template(vector, NET), SCALE)


def made_up(count: int, values: int, *, seed: int) -> Iterator[Vectors]:
    random = np.random.default_rng(seed)
    for start in range(0, count, PART):
        part = random.standard_normal((min(PART, count - start), values), np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
        yield part


def read(index: TemplateIndex) -> int:
    """Every byte of the templates, eight at a time."""
    return sum(int(chunk.codes[: chunk.used].view(np.int64).max()) for chunk in index.chunks)


def change(index: TemplateIndex, probes: Vectors) -> None:
    """Adding and removing one, a thousand times."""
    taken = []
    for turn in range(1000):
        vector = probes[turn % len(probes)][None]
        taken.append(timed(lambda vector=vector: index.remove(index.add([10**9], vector))))  # type: ignore[misc]
    print(f"  one added and removed: {1e6 * statistics.median(taken):.0f} microseconds")


def show_recall(rank: RankSubjects, vectors: Vectors, probes: Vectors) -> None:
    """Beside NumPy's float32 products of all pairs, ordered as a comparison orders them."""
    likely = [np.empty(0, np.int64)] * len(probes)
    for start in range(0, len(vectors), PART):
        products = vectors[start : start + PART] @ probes.T
        best = np.argpartition(-products, 4 * TOP, axis=0)[: 4 * TOP] + start
        likely = [np.concatenate(pair) for pair in zip(likely, best.T, strict=True)]
    right = 0
    for vector, numbers in zip(probes, likely, strict=True):
        probe = Template(vector, NET)
        cosines = {n: probe.cosine(Template(vectors[n], NET)) for n in numbers.tolist()}
        expected = sorted(cosines, key=lambda n: (-cosines[n], n))[:TOP]
        right += [int(it.subject) for it in rank([face(vector)], TOP, 0.0)[0]] == expected
    print(f"\nthe {TOP} nearest of the exact float32 ranking, in its order: {right:,} of "
          f"{len(probes):,} queries")  # fmt: skip


def show_faiss(vectors: Vectors, probes: Vectors, floor: Callable[[], object]) -> None:
    try:
        faiss: Any = import_module("faiss")
    except ImportError:
        print("  faiss is not installed")
        return
    faiss.omp_set_num_threads(1)
    flat = faiss.IndexFlatIP(vectors.shape[1])
    for start in range(0, len(vectors), PART):
        flat.add(vectors[start : start + PART])
    turn = iter(range(10**9))
    show("faiss flat, one query",
         lambda: flat.search(probes[next(turn) % len(probes)][None], TOP), floor=floor)  # fmt: skip
    show("faiss flat, 64 queries at once, each",
         lambda: flat.search(probes[:64], TOP), floor=floor, parts=64, rounds=3)  # fmt: skip


def show(
    name: str,
    work: Callable[[], object],
    *,
    floor: Callable[[], object] = lambda: None,
    parts: int = 1,
    rounds: int = ROUNDS,
) -> None:
    """``floor``: what the work is measured beside, round by round."""
    work()
    taken, beside = [], []
    for _ in range(rounds):
        beside.append(timed(floor))
        taken.append(timed(work) / parts)
    ratio = f"  {min(taken) / min(beside):5.2f} x the reading" if min(beside) > 1e-5 else ""
    print(f"  {name:46} {1000 * min(taken):7.2f} ms, median "
          f"{1000 * statistics.median(taken):7.2f}{ratio}", flush=True)  # fmt: skip


def per_second(work: Callable[[], object], threads: int, rounds: int = 20) -> float:
    def several() -> None:
        for _ in range(rounds):
            work()

    running = [threading.Thread(target=several) for _ in range(threads)]
    start = time.perf_counter()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return threads * rounds / (time.perf_counter() - start)


def resident_bytes() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    main()

"""A gallery over the nodes of a Ray cluster: memory, latency, equality with one index, a lost node.

    python -m benchmarks.sharded_gallery [--count 10000000] [--parts 3] [--copies 1] [--values 128]

Nodes and actors are processes of this machine, with a token and TLS, as in tests/cluster. The code
of servers and actors is the product's; the subjects are made up, one face each, and computed again
whenever they are read (benchmarks/made_up_feed.py), so that no database of ten million is needed.
Filling from sealed storage is measured by ``benchmarks.identification --filling``. ``--no-single``
leaves out the one index that answers are compared with, and its memory.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from hashlib import sha256
from pathlib import Path

import numpy as np
import psutil

from benchmarks.made_up_feed import NET, TENANT, MadeUpFeed, number_of, token_of, vectors_of
from perse.bootstrap.gallery_cluster import ClusterSearch, GalleryActors
from perse.chores import Chore
from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.identification import AttributedTemplate, SearchClaims, SearchTerms
from perse.domain.likeness import FaceLikeness
from perse.domain.references import Modality, Template, UserToken
from perse.domain.resemblance import ResemblanceScale
from perse.domain.token_ranges import TokenRange
from perse.errors import TryLater
from perse.search.index import TemplateIndex
from perse.search.live_search import LiveSearch
from perse.search.measured import Measured
from perse.search.ranking import RankSubjects
from perse.search.replicas import Spread
from perse.search.sealed_words import SealedWords
from perse.search.shard import HELD, Held, Shard
from perse.search.sharded_search import ShardedSearch
from perse.settings import Settings
from tests.cluster.machines import Machines, closed_to_others

POINTS = SimilarityScale([OperatingPoint(1e-2, 0.2), OperatingPoint(1e-5, 0.45)])
SCALE = ResemblanceScale(POINTS)
MEASURED = {Modality.FACE: Measured(NET, SearchClaims(POINTS, lowest_fmr=1e-5))}
SEALED = SealedWords(sha256(b"made up, as everybody here").digest())
SIZE = "PERSE_MADE_UP"  # of the gallery, in the environment of the nodes
MEMORY_BYTES = 4_000_000_000
TOP = 10


class MadeUpShard:
    """A GalleryShard over made-up subjects."""

    def __init__(self, position: int, parts: int, models: Mapping[str, str]) -> None:
        assert models == {"face": NET}
        count, values = map(int, os.environ[SIZE].split())
        feed = MadeUpFeed(count, values).within(TokenRange(position, parts))
        self.search = LiveSearch(feed, MEASURED, MEMORY_BYTES)
        self.shard = Shard(self.search, SEALED)
        self.chore = Chore(self.search.keep_warm, every_s=1.0, name="made-up")

    def answer(self, question: bytes) -> bytes:
        return self.shard.answer(question)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000_000)
    parser.add_argument("--parts", type=int, default=3)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--values", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--no-single", action="store_true")
    asked = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load "
          f"{os.getloadavg()[0]:.0f}, {date.today()}: {asked.count:,} templates of {asked.values} "
          f"values, {asked.parts} parts, {asked.copies} copies", flush=True)  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(closed_to_others(Path(folder)))
        os.environ[SIZE] = f"{asked.count} {asked.values}"
        machines = Machines.start(cpus=asked.copies)
        nodes = [machines.add() for _ in range(asked.parts)]
        try:
            measure(machines, nodes, asked)
        finally:
            machines.stop()


def measure(machines: Machines, nodes: Sequence[object], asked: argparse.Namespace) -> None:
    feed = MadeUpFeed(asked.count, asked.values)
    over = opened(machines, feed, asked)
    print(f"{asked.count:,} filled in {timed(lambda: until_filled(over)):.0f} s", flush=True)
    show_memory(asked)
    show_latency("whole", over, feed, asked.rounds)
    show_throughput(over, feed, asked.rounds)
    single = None if asked.no_single else single_index(feed)
    if single:
        show_equality("all nodes there", over, single, feed)
    machines.kill(nodes[-1])
    found, first_s = asked_once(over, feed, 1)
    print(f"a node killed; the next search took {first_s * 1000:.0f} ms: partial {found.partial}, "
          f"{found.subjects:,} subjects searched", flush=True)  # fmt: skip
    show_latency("after the loss", over, feed, asked.rounds)
    if single and not found.partial:
        show_equality("a node lost", over, single, feed)
    over.actors.close()


def opened(machines: Machines, feed: MadeUpFeed, asked: argparse.Namespace) -> ClusterSearch:
    settings = Settings(cluster_shards=asked.parts, cluster_copies=asked.copies)
    models = {"face": str(NET)}
    actors = GalleryActors(machines.address, "made-up", models, settings, MadeUpShard)
    spread = Spread(actors.parts(), SEALED)
    return ClusterSearch(ShardedSearch(feed, MEASURED, spread), actors)


def until_filled(over: ClusterSearch) -> None:
    """Every copy, not only the first of each part."""
    while True:
        with suppress(TryLater):
            over.keep_up()
        try:
            over.search.check_ready(TENANT, Modality.FACE)
            everyone = [it for part in over.search._spread.ask_everyone(HELD) for it in part]
            held = [it for it in everyone if isinstance(it, Held)]
            if len(held) == len(everyone) and all(it.templates and not it.loading for it in held):
                return
        except TryLater as problem:
            print(f"  {problem.message}", flush=True)
        time.sleep(5)


def probe_of(feed: MadeUpFeed, number: int) -> FaceLikeness:
    """Of somebody who is there, in another capture."""
    page, inside = divmod(number, 1000)
    noise = np.random.default_rng(number).standard_normal(feed.values, np.float32)
    seen = vectors_of(page, feed.values)[inside] + 0.5 * noise / np.linalg.norm(noise)
    return FaceLikeness(Template.of(seen, NET), SCALE)


def asked_once(over: ClusterSearch, feed: MadeUpFeed, number: int):  # type: ignore[no-untyped-def]  # noqa: ANN201
    started = time.perf_counter()
    found = over.search.identify(TENANT, Modality.FACE, probe_of(feed, number), SearchTerms())
    return found, time.perf_counter() - started


def show_latency(name: str, over: ClusterSearch, feed: MadeUpFeed, rounds: int) -> None:
    before_s = time.process_time()
    taken = [asked_once(over, feed, 1 + 7919 * it % feed.count)[1] for it in range(rounds)]
    own_s = (time.process_time() - before_s) / rounds
    print(f"  {name}: one search, median {1000 * statistics.median(taken):.0f} ms, least "
          f"{1000 * min(taken):.0f}, most {1000 * max(taken):.0f}; {1000 * own_s:.1f} ms of this "
          "process's own", flush=True)  # fmt: skip
    before_s = time.process_time()
    round_trips = [timed(lambda: over.search._spread.ask(HELD)) for _ in taken]
    own_s = (time.process_time() - before_s) / rounds
    print(f"  {name}: a question without a search, to all parts, median "
          f"{1000 * statistics.median(round_trips):.1f} ms; {1000 * own_s:.1f} ms of this "
          "process's own", flush=True)  # fmt: skip


def show_throughput(over: ClusterSearch, feed: MadeUpFeed, rounds: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        taken_s = timed(
            lambda: list(pool.map(lambda it: asked_once(over, feed, it), range(1, rounds + 1)))
        )
    print(f"  four at a time: {rounds / taken_s:.1f} searches a second", flush=True)


def show_memory(asked: argparse.Namespace) -> None:
    actors = [it for it in psutil.process_iter(["name", "cmdline"])
              if "ray::MadeUpShard" in " ".join(it.info["cmdline"] or ())]  # fmt: skip
    mine = [it.memory_info().rss for it in actors if _is_mine(it)]
    all_bytes = sum(mine)
    print(f"  {len(mine)} actors: {all_bytes / 1e9:.2f} GB in all, "
          f"{all_bytes / asked.count / asked.copies:.0f} bytes a template and copy, all told",
          flush=True)  # fmt: skip


def _is_mine(process: psutil.Process) -> bool:
    return any(it.pid == os.getpid() for it in process.parents())


def single_index(feed: MadeUpFeed) -> RankSubjects:
    """Everybody in one index of this process."""
    index = TemplateIndex(feed.values)
    for page in range(feed.count // 1000):
        index.add(range(1000 * page, 1000 * page + 1000), vectors_of(page, feed.values))

    def truth(numbers: Sequence[int]) -> list[AttributedTemplate]:
        there = feed.read(TENANT, [token_of(it) for it in numbers])
        return [
            AttributedTemplate(it.user_token, it.references[0].template, None, it.references[0])
            for it in there
        ]

    print(f"  one index in this process: {index.bytes_held / 1e9:.2f} GB", flush=True)
    return RankSubjects(index, truth)


def show_equality(
    name: str, over: ClusterSearch, single: RankSubjects, feed: MadeUpFeed, searches: int = 20
) -> None:
    """Of the ten nearest, whatever the threshold, with their similarities."""
    terms, same = SearchTerms(TOP), 0
    for it in range(searches):
        probe = probe_of(feed, 1 + 104_729 * it % feed.count)
        (expected,) = single([probe], TOP, 0.0)
        turn = over.search._round(TENANT, Modality.FACE)
        found = turn._ranked(probe, TOP, 0.0, terms, turn.size(None))
        assert number_of(UserToken(found[0].subject)) == 1 + 104_729 * it % feed.count
        same += [(x.subject, x.similarity) for x in found] == [
            (x.subject, x.similarity) for x in expected
        ]
    print(f"  {name}: {same} of {searches} searches gave the same {TOP} subjects and similarities "
          "as one index, bit for bit", flush=True)  # fmt: skip


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

"""What moving users to another pack costs: memory of the second network, time of a move.

    python -m benchmarks.moving --mirror ../shared/models

Memory is that of fresh processes, each with all networks warm. Times are medians of whole
verifications on SQLite, taken in turn; a user is moved to and fro between two servers of one data
folder, so that each verification of theirs is a move.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context

import psutil

from benchmarks.floor import interleaved_medians_ms
from benchmarks.serving import sample_picture
from perse.auth.api_keys import ApiKeys
from perse.bootstrap.services import Services, open_services
from perse.bootstrap.weights import obtain_networks
from perse.domain.access import Caller
from perse.domain.consent import Declaration
from perse.domain.references import UserToken
from perse.pipelines.comparison import Picture
from perse.settings import Settings

_GIVEN = Declaration.GIVEN
_ROUNDS = 60
_PROCESSES = 7


def main() -> None:
    arguments = _arguments()
    print(
        f"{date.today()}  {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        base = {"data_dir": folder, "model_mirror": arguments.mirror, "log_level": "warning"}
        for pack, previous in ((arguments.old, arguments.new), (arguments.new, arguments.old)):
            _memory(base, pack, previous)
        forth = _opened(base, arguments.new, arguments.old)
        back = _opened(base, arguments.old, arguments.new)
        _times(ApiKeys(forth.storage.keys).create("benchmark")[0].caller, forth, back)
        for services in (forth, back):
            services.close()


def _memory(base: dict[str, str], pack: str, previous: str) -> None:
    _opened(base, pack, previous).close()  # whatever is fetched and converted is so before
    alone, both = (
        statistics.median(_in_fresh_process(base, pack, other) for _ in range(_PROCESSES))
        for other in ("none", previous)
    )
    print(f"{pack}, with previous pack {previous}:  {alone:4.0f} MB -> {both:4.0f} MB")


def _in_fresh_process(base: dict[str, str], pack: str, previous: str) -> float:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_resident_mb, base, pack, previous).result()


def _times(caller: Caller, forth: Services, back: Services) -> None:
    content = sample_picture()
    picture = Picture("picture", lambda: forth.faces.decode(content))
    stays, moves = (
        services.enrolment.enrol(caller, picture, declaration=_GIVEN).user_token
        for services in (forth, back)
    )

    def verify(services: Services, token: UserToken, *, moved: bool | None) -> None:
        verified = services.enrolment.verify(caller, token, picture, declaration=_GIVEN)
        if verified.moved is not moved:
            raise SystemExit(f"moved: {verified.moved}, where {moved} was expected")

    ms = interleaved_medians_ms(
        {
            "in use": lambda: verify(forth, stays, moved=None),
            "forth": lambda: verify(forth, moves, moved=True),
            "back": lambda: verify(back, moves, moved=True),
        },
        rounds=_ROUNDS,
    )
    print(f"verify by the network in use      {ms['in use']:8.2f} ms")
    print(f"verify and move to {forth.pack:<15}{ms['forth']:8.2f} ms")
    print(f"verify and move to {back.pack:<15}{ms['back']:8.2f} ms")


def _opened(base: dict[str, str], pack: str, previous: str) -> Services:
    settings = Settings.model_validate({**base, "pack": pack, "previous_pack": previous})
    services = open_services(settings, obtain_networks(settings))
    services.warm()
    return services


def _resident_mb(base: dict[str, str], pack: str, previous: str) -> float:
    """Of this process, which must be a fresh one."""
    services = _opened(base, pack, previous)
    resident = float(psutil.Process().memory_info().rss)
    services.close()
    return resident / 1e6


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mirror", help="folder or URL of weights")
    parser.add_argument("--new", default="standard")
    parser.add_argument("--old", default="compact")
    return parser.parse_args()


if __name__ == "__main__":
    main()

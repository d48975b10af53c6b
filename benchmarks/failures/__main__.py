"""Replicas under failure: real servers, nginx and PostgreSQL with a replica, and load all the time.

    python -m benchmarks.failures [--only kill-a-server,fail-over] [--small-disk]

Three servers stand behind nginx with ``deploy/nginx.conf`` (without its TLS); each reaches the
database and its replica over connections of its own that can be cut. Three tenants enrol, list,
delete, detect, compare, search and open liveness sessions all the time, and keep book of what was
acknowledged. Then things break, one after the other. Of each is printed how long it lasted; how
many requests were under way meanwhile and in the ten seconds behind, and which share of them was
answered as it should; when the last error came, behind the end of the cause; the longest answer;
what was wrong: acknowledged people that are missing, deleted ones that are back, people of others,
errors that are no 503 with ``Retry-After`` in the one shape, or still come after nine seconds.

``--small-disk`` lets the primary live on a disk of 220 MB in memory, which only root may mount;
without it no disk is filled. Servers, database and load share one machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.failures.answers import Answer, Record, statuses
from benchmarks.failures.causes import CAUSES, Cause
from benchmarks.failures.house import REPOSITORY, House, running_house
from benchmarks.failures.load import Tenant, loaded
from perse.auth.receipts import check_receipt, public_keys_of

CALM_S = 10.0
QUIET_S = 5.0


@dataclass(frozen=True)
class Outcome:
    """What came of a cause. ``answers``: of requests that were under way from its begin until
    ``CALM_S`` behind its end."""

    name: str
    lasted_s: float
    ended_s: float
    answers: Sequence[Answer]
    wrong: Sequence[str]

    @property
    def line(self) -> str:
        bad = [it for it in self.answers if not it.good]
        available = 1 - len(bad) / len(self.answers) if self.answers else float("nan")
        last_s = max((it.ended_s - self.ended_s for it in bad), default=0.0)
        longest_s = max((it.took_s for it in self.answers), default=0.0)
        return (
            f"{self.name:22} {self.lasted_s:6.1f} {len(self.answers):9} {available:10.1%} "
            f"{max(0.0, last_s):8.1f} {longest_s:8.1f}  {len(self.wrong):5}  "
            f"{statuses(self.answers)}"
        )

    @property
    def held(self) -> bool:
        return not self.wrong


def caused(
    name: str, cause: Cause, house: House, record: Record, tenants: Sequence[Tenant]
) -> Outcome:
    """Break it, wait until it is calm, and look at the books."""
    known = {id(it): len(it.book.wrong) for it in tenants}
    began_s = time.monotonic()
    wrong = []
    try:
        cause(house)
    except AssertionError as failure:
        wrong.append(str(failure))
    ended_s = time.monotonic()
    time.sleep(CALM_S)
    answers = record.between(began_s, ended_s + CALM_S)
    wrong += [line for it in tenants for line in it.book.wrong[known[id(it)] :]]
    wrong += sorted({f"{it.operation}: {_shown(it)}" for it in answers if not it.proper})
    late = [it for it in record.between(ended_s + CALM_S - 1, ended_s + CALM_S) if not it.good]
    if late:
        wrong.append(f"{len(late)} errors nine seconds behind the end")
    return Outcome(name, ended_s - began_s, ended_s, answers, wrong)


def _shown(answer: Answer) -> str:
    return f"{answer.status or 'no answer'} {answer.body.get('code', '')}".strip()


def main() -> None:
    arguments = _arguments()
    names = arguments.only or [it for it in CAUSES if it != "fill-the-disk" or arguments.small_disk]
    record = Record()
    with running_house(arguments.weights.resolve(), small_disk=arguments.small_disk) as house:
        print(
            f"{date.today()}  {platform.machine()}, {os.cpu_count()} cores, Python "
            f"{platform.python_version()}; 3 servers, pack standard, 3 tenants; "
            f"load {os.getloadavg()[0]:.1f}\n\n"
            f"{'':22} {'lasted':>6} {'':9} {'answered':>10} {'last':>8} {'longest':>8}\n"
            f"{'cause':22} {'s':>6} {'requests':>9} {'well':>10} {'error, s':>8} {'answer, s':>8}"
            "  wrong  errors by status",
            flush=True,
        )
        with loaded(house.proxy.port, house.keys, record) as tenants:
            outcomes = [caused("nothing", _nothing, house, record, tenants)]
            print(outcomes[0].line, flush=True)
            for name in names:
                outcomes.append(caused(name, CAUSES[name], house, record, tenants))
                print(outcomes[-1].line, flush=True)
                for line in outcomes[-1].wrong:
                    print(f"    {line}", flush=True)
        print(f"\n{ledger_and_receipts(house, tenants)}")
    sys.exit(not all(it.held for it in outcomes))


def _nothing(_: House) -> None:
    time.sleep(QUIET_S)


def ledger_and_receipts(house: House, tenants: Sequence[Tenant]) -> str:
    """The ledger is whole to its end, and every receipt genuine. Raises what is not."""
    ledger = house.perse("consent", "verify")
    if ledger.returncode:
        raise AssertionError(ledger.stderr)
    keys = public_keys_of(house.get("/.well-known/jwks.json"))
    receipts = {token: it for tenant in tenants for token, it in tenant.book.receipts.items()}
    for token, receipt in receipts.items():
        check_receipt(receipt, keys, user_token=token)
    return f"ledger: {ledger.stderr.strip()}; {len(receipts)} receipts, all genuine"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--weights", type=Path, default=REPOSITORY / "build/weights")
    parser.add_argument("--only", type=lambda text: text.split(","), help=", ".join(CAUSES))
    parser.add_argument("--small-disk", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()

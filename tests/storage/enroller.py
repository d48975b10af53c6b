"""A process that enrols until it is killed, and says each token once it is acknowledged.

    python -m tests.storage.enroller URL FOLDER SEED [delete]

With ``delete`` it deletes every third user again, and says "?TOKEN" before and "-TOKEN" after.
"""

from __future__ import annotations

import sys
from pathlib import Path

from perse.domain.consent import Processing
from tests.storage.conftest import open_at
from tests.storage.samples import entry, reference


def main(url: str, folder: str, seed: str, *modes: str) -> None:
    storage = open_at(url, Path(folder))
    for n in range(1000):
        made = reference(int(seed) + n, values=128)
        token = made.record.user_token
        storage.references.add(made, entry=entry(token=token))
        sys.stdout.write(f"{token}\n")
        sys.stdout.flush()
        if "delete" in modes and n % 3 == 0:
            sys.stdout.write(f"?{token}\n")
            sys.stdout.flush()
            storage.references.delete(token, entry=entry(operation=Processing.DELETE, token=token))
            sys.stdout.write(f"-{token}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What ``perse setup`` and ``perse serve`` do before anything is served."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.markup import escape

from perse.bootstrap import obtain_networks, open_keys, open_signing_keys, open_storage
from perse.bootstrap.weights import PackOnDisk
from perse.cli.progress import console, weights_progress
from perse.settings import Settings

FIRST_KEY_NAME = "first"


@dataclass(frozen=True, slots=True)
class Prepared:
    """``first_key`` is the text of an API key that was made just now."""

    on_disk: PackOnDisk
    first_key: str | None = field(repr=False)


def prepare(settings: Settings) -> Prepared:
    """Weights, signing keys, database and a first API key; each only where it is missing."""
    with weights_progress() as progress:
        on_disk = obtain_networks(settings, progress)
    console.print(f"Pack [bold]{on_disk.pack.name}[/]: {on_disk.choice.reason}.")
    if on_disk.previous:
        console.print(
            f"Users of [bold]{on_disk.previous.pack.name}[/] are compared by its face embedder "
            "until they are moved."
        )
    if "face_attack_detector" not in on_disk.cards:
        console.print(
            "[yellow]Liveness is unavailable[/]: this pack has no attack detector, so answers "
            "have no liveness_score."
        )
    open_signing_keys(settings)
    return Prepared(on_disk, _first_key(settings))


def show_first_request(url: str, key: str) -> None:
    """Print a line to paste into a shell; ``url`` is where the server answers."""
    console.print("Try it with a picture of yours:\n")
    console.print(f"  {escape(first_request(url, key))}\n", soft_wrap=True, highlight=False)


def first_request(url: str, key: str) -> str:
    """A command that detects faces. Quoted, because shells read the brackets of IPv6 addresses."""
    return f"curl '{url}/v0/face/detect' -H 'x-api-key: {key}' -F image_file=@selfie.jpg"


def _first_key(settings: Settings) -> str | None:
    """Make and show an API key where there is none."""
    database = open_storage(settings)
    try:
        keys = open_keys(database)
        if keys.store.all():
            return None
        _, text = keys.create(FIRST_KEY_NAME)
    finally:
        database.close()
    console.print("\nYour first API key, shown this once:\n")
    console.print(f"  [bold]{text}[/]\n")
    return text

"""``perse setup``: what is missing before anything is served. ``perse serve`` begins with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.markup import escape

from perse.api.server.addresses import url_of
from perse.bootstrap.signing_keys import open_signing_keys
from perse.bootstrap.storage import opened_keys
from perse.bootstrap.weights import PackOnDisk, obtain_networks
from perse.cli.options import DataDir, Offline, Pack
from perse.cli.progress import console, weights_progress
from perse.settings import Settings, load_settings

FIRST_KEY_NAME = "first"


@dataclass(frozen=True, slots=True)
class Prepared:
    """``first_key`` is the text of an API key that was made just now."""

    on_disk: PackOnDisk
    first_key: str | None = field(repr=False)


def setup(data_dir: DataDir = None, pack: Pack = None, offline: Offline = None) -> None:
    """Fetch and verify the weights, and make the data folder and a first API key."""
    settings = load_settings(data_dir=data_dir, pack=pack, offline=offline)
    first_key = prepare(settings).first_key
    if first_key and settings.port:
        console.print("Once perse serve is running:")
        show_first_request(url_of(settings.host, settings.port), first_key)


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
    with opened_keys(settings) as keys:
        if keys.store.all():
            return None
        _, text = keys.create(FIRST_KEY_NAME)
    console.print("\nYour first API key, shown this once:\n")
    console.print(f"  [bold]{text}[/]\n")
    return text

"""What ``perse setup`` and ``perse serve`` do before anything is served."""

from __future__ import annotations

from perse.bootstrap import obtain_networks, open_keys, open_signing_keys, open_storage
from perse.bootstrap.weights import PackOnDisk
from perse.cli.progress import console, weights_progress
from perse.settings import Settings

FIRST_KEY_NAME = "first"


def prepare(settings: Settings) -> PackOnDisk:
    """Weights, signing keys, database and a first API key; each only where it is missing."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with weights_progress() as progress:
        on_disk = obtain_networks(settings, progress)
    console.print(f"Pack [bold]{on_disk.pack.name}[/]: {on_disk.choice.reason}.")
    if "face_attack_detector" not in on_disk.cards:
        console.print(
            "[yellow]Liveness is unavailable[/]: this pack has no attack detector, so answers "
            "have no liveness_score."
        )
    open_signing_keys(settings)
    _create_first_key(settings)
    return on_disk


def _create_first_key(settings: Settings) -> None:
    database = open_storage(settings)
    try:
        keys = open_keys(database)
        if keys.store.all():
            return
        _, text = keys.create(FIRST_KEY_NAME)
    finally:
        database.close()
    console.print("\nYour first API key, shown this once:\n")
    console.print(f"  [bold]{text}[/]\n")
    console.print("Try it, once the server is ready, with a picture of yours:\n")
    console.print(
        f"  curl http://{settings.host}:{settings.port}/v0/face/detect"
        f" -H 'x-api-key: {text}' -F image_file=@selfie.jpg\n",
        soft_wrap=True,
    )

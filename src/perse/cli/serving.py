"""``perse setup`` and ``perse serve``."""

from __future__ import annotations

from perse.cli.options import DataDir, Offline, Pack
from perse.cli.setting_up import prepare
from perse.settings import load_settings


def setup(data_dir: DataDir = None, pack: Pack = None, offline: Offline = None) -> None:
    """Fetch and verify the weights, and make the data folder and a first API key."""
    prepare(load_settings(data_dir=data_dir, pack=pack, offline=offline))

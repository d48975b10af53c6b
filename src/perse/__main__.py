"""``python -m perse`` is ``perse``."""

from __future__ import annotations

from perse.cli import main

main()

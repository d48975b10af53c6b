"""Whether a report can be drawn here, and where what they need is kept."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from perse.errors import SetupError

_FOLDER = "plot-cache"


def prepare_matplotlib(data_dir: Path) -> None:
    """Let matplotlib keep its list of fonts in the data folder rather than in the user's home,
    unless ``MPLCONFIGDIR`` says where. Call it before plots are imported.

    Raises SetupError, saying how to install it, when matplotlib or Jinja2 is missing.
    """
    if find_spec("matplotlib") is None or find_spec("jinja2") is None:
        raise SetupError(
            "a report needs matplotlib and Jinja2: install them with pip install "
            "'perse[evaluate]', or leave out --report"
        )
    folder = data_dir / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ.setdefault("MPLCONFIGDIR", str(folder.absolute()))

"""What the doctor finds, asked for often."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perse.bootstrap.examination import State, recent_examination
from perse.bootstrap.storage import opened_keys
from perse.settings import load_settings


@dataclass
class Watch:
    time_s: float = 100.0

    def __call__(self) -> float:
        return self.time_s


def test_findings_are_kept_for_some_seconds_and_then_looked_for_anew(tmp_path: Path) -> None:
    watch, settings = Watch(), load_settings(data_dir=tmp_path, pack="standard", offline=True)
    examine = recent_examination(settings, watch)
    before = {it.subject: it for it in examine()}
    assert before["database"].state is State.FAILED
    assert "run `perse setup`" in before["database"].text
    with opened_keys(settings) as keys:
        keys.create("app")
    watch.time_s += 9
    assert {it.subject: it for it in examine()} == before
    watch.time_s += 1
    after = {it.subject: it for it in examine()}
    assert (after["database"].state, after["database"].text) == (State.OK, "1 active API key")

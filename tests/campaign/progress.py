"""How far a campaign has come: kept in a file after every block, so that it can be resumed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter


@dataclass(slots=True)
class FamilyProgress:
    """``answers`` by name; ``slowest_ms`` of one input; ``faults`` are files; ``resident_mb`` of
    the whole process after each block."""

    blocks: int = 0
    inputs: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    slowest_ms: float = 0.0
    faults: list[str] = field(default_factory=list)
    resident_mb: list[int] = field(default_factory=list)

    def count(self, answer: str) -> None:
        self.answers[answer] = self.answers.get(answer, 0) + 1


_BY_FAMILY = TypeAdapter(dict[str, FamilyProgress])


def load_progress(file: Path) -> dict[str, FamilyProgress]:
    """Empty where nothing has been done."""
    return _BY_FAMILY.validate_json(file.read_bytes()) if file.exists() else {}


def save_progress(file: Path, progress: dict[str, FamilyProgress]) -> None:
    """In one step, so that an interruption leaves the state before or after."""
    temporary = file.with_suffix(".new")
    temporary.write_bytes(_BY_FAMILY.dump_json(progress))
    temporary.replace(file)

"""What became of each file of an import: a line of JSON each, written when it is done.

The report is what an import that was cut short goes on from: what it names is not done again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from perse.domain.access import TenantId
from perse.errors import InvalidParameter
from perse.pipelines.subject_import import FileOfSubject, Imported, Outcome, Refused

# Tenant, source, person and file: what a line is about.
Named = tuple[str, str, str, str]
_KEYS = ("tenant", "source", "person", "file")
_BEGIN = b'{"person": '


@dataclass
class ImportReport:
    """Use it in a ``with``. One file may report of several imports, for other tenants or from
    other places: ``tenant_id`` and ``source``, an absolute path or a URL, say which is this one.
    ``known``: what had been tried before in any of them, and whether it became a sample."""

    path: Path
    tenant_id: TenantId
    source: Path | str
    known: dict[Named, bool] = field(default_factory=dict)
    _file: TextIO | None = None

    def __enter__(self) -> Self:
        """Raises InvalidParameter when the file is something else."""
        content = self.path.read_bytes() if self.path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        self.known = dict(_known(self.path, whole))
        torn = content[len(whole) :]
        if not (torn.startswith(_BEGIN) or _BEGIN.startswith(torn)):
            raise _no_report(self.path, whole.count(b"\n") + 1)
        self._file = self.path.open("a", encoding="ascii")
        self._file.truncate(len(whole))  # whoever wrote the last line may have been stopped
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._file:
            self._file.close()

    def knows(self, file: FileOfSubject) -> bool:
        """Whether the file became a sample before. What was refused is tried again."""
        named = str(self.tenant_id), str(self.source), file.person, file.name
        return self.known.get(named, False)

    def note(self, file: FileOfSubject, outcome: Outcome) -> None:
        """One line; it is in the file when this returns."""
        match outcome:
            case Imported():
                result: dict[str, object] = {
                    "subject": outcome.user_token,
                    "sample": outcome.sample_id,
                    "displaced": outcome.displaced,
                }
            case Refused():
                result = {"code": outcome.code, "message": outcome.message}
        if self._file:
            line = {
                "person": file.person,
                "file": file.name,
                "source": str(self.source),
                "tenant": self.tenant_id,
                **result,
            }
            # In ASCII, since a file's name need not be text.
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()


def _known(path: Path, lines: bytes) -> Iterator[tuple[Named, bool]]:
    for number, line in enumerate(lines.splitlines(), start=1):
        try:
            known = json.loads(line)
            tenant, source, person, file = (str(known[key]) for key in _KEYS)
            yield (tenant, source, person, file), "sample" in known
        except (ValueError, KeyError, TypeError):
            raise _no_report(path, number) from None


def _no_report(path: Path, line: int) -> InvalidParameter:
    return InvalidParameter(
        f"{path}, line {line}: this is no report of an import: give another with --report"
    )

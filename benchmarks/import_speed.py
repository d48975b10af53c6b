"""What an import costs beside the networks: pictures made into templates, and into subjects.

    python -m benchmarks.import_speed FOLDER --weights DATA_DIR [--pictures 600]

FOLDER holds a folder per person. Both are done in turn, a part of the pictures each, by as many
workers as there are cores; the ratio is of the times of one run, SQLite on this disk.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from perse.auth.api_keys import ApiKeys
from perse.bootstrap.enrolment import reference_capture
from perse.bootstrap.faces import wire_faces
from perse.bootstrap.shares import usable_cores
from perse.bootstrap.storage import open_storage
from perse.bootstrap.subject_commands import opened_import
from perse.bootstrap.weights import obtain_networks
from perse.crew import work_through
from perse.domain.consent import Declaration
from perse.domain.references import Modality
from perse.domain.subjects import ExternalId
from perse.errors import SampleError
from perse.evaluation.sample_files import PICTURES, SampleFile, folder_per_person
from perse.pipelines.comparison import Picture
from perse.pipelines.subject_import import FileOfSubject, Imported
from perse.settings import load_settings

_PART = 50


def main() -> None:
    arguments = _arguments()
    files = folder_per_person(arguments.folder, PICTURES).files[: arguments.pictures]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "weights").symlink_to((arguments.weights / "weights").absolute())
        settings = load_settings(data_dir=Path(folder), offline=True, enrolment_gate="contract")
        on_disk = obtain_networks(settings)
        with open_storage(settings) as storage:
            key, _ = ApiKeys(storage.keys).create("benchmark")
        faces = wire_faces(settings, on_disk)
        capture = reference_capture(settings, faces)
        with opened_import(settings, on_disk, frozenset()) as import_file:

            def template(file: SampleFile) -> bool:
                try:
                    capture(Picture(file.name, lambda: faces.decode(file.path.read_bytes())))
                except SampleError:
                    return False
                return True

            def subject(file: SampleFile) -> bool:
                given = FileOfSubject(
                    ExternalId(file.person), file.name, Modality.FACE, file.path.read_bytes
                )
                return isinstance(import_file(key.caller, given, Declaration.GIVEN), Imported)

            _measure(files, template, subject)


def _measure(
    files: Sequence[SampleFile],
    template: Callable[[SampleFile], bool],
    subject: Callable[[SampleFile], bool],
) -> None:
    for work in (template, subject):  # so that both find networks and files warm
        _seconds(files[:_PART], work)
    alone_s = imported_s = 0.0
    for first in range(_PART, len(files), _PART):
        part = files[first : first + _PART]
        alone_s += _seconds(part, template)
        imported_s += _seconds(part, subject)
    count = len(files) - _PART
    print(
        f"{date.today()}  {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}; {count} pictures, {usable_cores()} workers\n"
        f"templates alone  {1000 * alone_s / count:7.1f} ms a picture, {count / alone_s:5.1f} a s\n"
        f"imported         {1000 * imported_s / count:7.1f} ms a picture, "
        f"{count / imported_s:5.1f} a s, {imported_s / alone_s:.2f} times"
    )


def _seconds(files: Sequence[SampleFile], work: Callable[[SampleFile], bool]) -> float:
    started = time.perf_counter()
    done = work_through(files, work, workers=usable_cores(), name="benchmark")
    kept = sum(outcome for _, outcome in done)
    if kept < len(files) / 2:
        raise SystemExit(f"only {kept} of {len(files)} pictures have a face that can be kept")
    return time.perf_counter() - started


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, required=True, help="a data folder with weights")
    parser.add_argument("--pictures", type=int, default=600)
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""People of the previous pack's network, moved by pictures of them that a source holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from perse.bootstrap.bulk import Installation, Terms
from perse.bootstrap.bulk_enrolment import file_of
from perse.bootstrap.enrolment import wire_consent
from perse.bootstrap.ground import lay_ground
from perse.bootstrap.previous_network import wire_previous
from perse.bulk.crews import Work
from perse.bulk.items import Part
from perse.errors import SetupError
from perse.pipelines.file_moving import MoveFile, MoveOutcome
from perse.pipelines.moving import MoveReference


@contextmanager
def moving(installation: Installation, terms: Terms) -> Iterator[Work[MoveOutcome]]:
    """Moves who is on the items. Raises SetupError where there is no previous pack."""
    settings, storage = installation.settings, installation.storage
    ground = lay_ground(settings, installation.on_disk)
    with closing(wire_consent(settings, storage)) as consent:
        previous = wire_previous(settings, ground, storage.references, consent.record)
        if previous is None or not isinstance(previous.move, MoveReference):
            raise no_previous()
        move = MoveFile(
            storage.subjects,
            storage.references,
            consent.record,
            previous.recognition,
            previous.move,
            ground.faces.decode,
        )

        def moved(part: Part) -> list[MoveOutcome]:
            return [move(terms.caller, file_of(item), terms.declaration) for item in part]

        yield moved


def no_previous() -> SetupError:
    """What is said where nobody can be moved."""
    return SetupError(
        "there is no previous pack to move people from: name it with PERSE_PREVIOUS_PACK, and the "
        "new one with --pack"
    )

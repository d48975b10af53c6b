"""The weights on this machine: verified when they are used, fetched and converted when missing.

A published file lies in the folder under its own name. What a conversion makes of it lies in
``converted/`` beside a receipt that says of which file, by which conversion and with which SHA-256
it was made here: the catalogue pins what others published, the receipt what this machine made.
Of a network that has a form in 8-bit integers, the form that this machine runs lies there.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Literal

from perse.errors import WeightsCorrupt, WeightsUnavailable
from perse.files import only_one, settle, write_file
from perse.weights.cards import ModelCard, PackagedSource, PathSource, Role
from perse.weights.conversions import convert, version_of
from perse.weights.files import Digest, Piece, Progress, holds, sha256_of, silent

if TYPE_CHECKING:
    from perse.weights.origins import Origins

PACKAGED: Final = Path(__file__).with_name("shipped")

_LONGEST_WAIT_S: Final = 1800
State = Literal["ready", "missing", "corrupt"]


@dataclass(frozen=True, slots=True)
class WeightStatus:
    """``path``: the file that would be run. ``note``: what is wrong, empty when ready."""

    state: State
    path: Path
    note: str = ""


@dataclass(frozen=True, slots=True)
class ConversionReceipt:
    """What a conversion on this machine was made of and what came out."""

    published_sha256: str
    conversion: str
    conversion_version: int
    sha256: str
    size_bytes: int
    made_on: str


class WeightStore:
    """The folder of weights. ``mirror``: a folder or address that is asked before the origins;
    ``offline``: no network is ever touched; ``progress`` hears of bytes on their way; ``int8``
    tells, once it matters, whether networks are to run in 8-bit integers where they can."""

    def __init__(
        self,
        folder: Path,
        *,
        mirror: str | None,
        offline: bool,
        progress: Progress | None = None,
        int8: Callable[[], bool] = lambda: False,
        digest: Digest = sha256_of,
    ) -> None:
        self._folder = folder
        self._mirror = mirror
        self._offline = offline
        self._progress = progress or silent
        self._int8 = int8
        self._digest = digest

    @property
    def offline(self) -> bool:
        return self._offline

    def path(self, card: ModelCard) -> Path:
        """The file to run, its hash checked just now.

        Raises WeightsUnavailable when it is not here, WeightsCorrupt when it is another file.
        """
        return _ready(self.status(card))

    def status(self, card: ModelCard) -> WeightStatus:
        """Reads every byte of the file that would be run."""
        conversion = self._conversion(card)
        return self._converted(card, conversion) if conversion else self._published(card)

    def runs_in_int8(self, card: ModelCard) -> bool:
        """Whether the file to run computes in 8-bit integers."""
        return card.conversion_int8 is not None and self._int8()

    def _conversion(self, card: ModelCard) -> str | None:
        """What makes the file to run of the published one; None where that one is run."""
        return card.conversion_int8 if self.runs_in_int8(card) else card.conversion

    def check(self, card: ModelCard) -> WeightStatus:
        """As ``status``, and a conversion is made again and compared: whoever can change a result
        can change its receipt, too."""
        here, published, conversion = (
            self.status(card),
            self._published(card),
            self._conversion(card),
        )
        if here.state != "ready" or not conversion:
            return here
        if published.state != "ready":
            return published
        with TemporaryDirectory(prefix=".again.", dir=here.path.parent) as folder:
            again = Path(folder) / here.path.name
            convert(conversion, published.path, again)
            same = sha256_of(again) == sha256_of(here.path)
        return here if same else WeightStatus("corrupt", here.path, _corrupt(card, here.path))

    def digest(self, card: ModelCard) -> str:
        """SHA-256 of the file to run: the catalogue's, or a conversion's by its receipt.

        Raises WeightsUnavailable where a conversion has no receipt.
        """
        conversion = self._conversion(card)
        if not conversion:
            return card.sha256
        path, receipt_path = self._converted_paths(card, conversion)
        receipt = _read_receipt(receipt_path)
        if receipt is None:
            raise WeightsUnavailable(_missing(card, path))
        return receipt.sha256

    def obtain(self, card: ModelCard, *, repair: bool = False) -> Path:
        """The file to run; fetched, verified and converted first where it is not here.

        A file that is here but is another one, by ``check``, is replaced only to ``repair``.
        Raises as ``path``.
        """
        look = self.check if repair else self.status
        here = look(card)
        if here.state == "ready":
            return here.path
        with self._only_one(card):
            state = look(card).state
            if state == "missing" or (state == "corrupt" and repair):
                self._provide(card, repair=repair)
            return self.path(card)

    def _only_one(self, card: ModelCard) -> AbstractContextManager[None]:
        lock = self._folder / ".locks" / f"{card.name}.lock"
        busy = WeightsUnavailable(
            f"another process is fetching weights and does not finish: end it, or remove {lock}"
        )
        return only_one(lock, wait_s=_LONGEST_WAIT_S, busy=busy)

    def _provide(self, card: ModelCard, *, repair: bool) -> None:
        published = self._published(card)
        wanted = published.state == "missing" or (published.state == "corrupt" and repair)
        if wanted and _own_path(card) is None:
            self._origins.fetch(card, self._folder / card.file)
            published = self._published(card)
        if conversion := self._conversion(card):
            self._convert(card, conversion, _ready(published))

    @cached_property
    def _origins(self) -> Origins:
        # Loaded only when something is missing: the network's libraries delay a start noticeably.
        from perse.weights.origins import Origins  # noqa: PLC0415

        return Origins(self._mirror, self._offline, self._progress)

    def _convert(self, card: ModelCard, conversion: str, published: Path) -> None:
        target, receipt_path = self._converted_paths(card, conversion)
        target.parent.mkdir(exist_ok=True)
        # Without its receipt a result is made again; with another's it would be called damaged.
        receipt_path.unlink(missing_ok=True)
        part = target.with_suffix(".part")
        convert(conversion, published, part)
        receipt = ConversionReceipt(
            card.sha256,
            conversion,
            version_of(conversion),
            sha256_of(part),
            part.stat().st_size,
            datetime.datetime.now(datetime.UTC).date().isoformat(),
        )
        settle(part, target)
        write_file(receipt_path, (json.dumps(asdict(receipt), indent=2) + "\n").encode())

    def _published(self, card: ModelCard) -> WeightStatus:
        path = _own_path(card) or self._folder / card.file
        if not path.is_file():
            return WeightStatus("missing", path, _missing(card, path))
        if holds(path, Piece(card.file, card.sha256, card.size_bytes), self._digest):
            return WeightStatus("ready", path)
        return WeightStatus("corrupt", path, _corrupt(card, path))

    def _converted(self, card: ModelCard, conversion: str) -> WeightStatus:
        path, receipt_path = self._converted_paths(card, conversion)
        receipt = _read_receipt(receipt_path)
        if not path.is_file() or not _fits(receipt, card, conversion):
            return WeightStatus("missing", path, _missing(card, path))
        pinned = receipt and Piece(path.name, receipt.sha256, receipt.size_bytes)
        if pinned and holds(path, pinned, self._digest):
            return WeightStatus("ready", path)
        return WeightStatus("corrupt", path, _corrupt(card, path))

    def _converted_paths(self, card: ModelCard, conversion: str) -> tuple[Path, Path]:
        form = "_int8" if conversion == card.conversion_int8 else ""
        folder = self._folder / "converted"
        return folder / f"{card.name}{form}.onnx", folder / f"{card.name}{form}.json"


def obtain_all(cards: Mapping[Role, ModelCard], store: WeightStore) -> Mapping[Role, Path]:
    """The files of networks by role, fetched where they are missing.

    Raises as ``WeightStore.obtain``.
    """
    return {role: store.obtain(card) for role, card in cards.items()}


def _read_receipt(path: Path) -> ConversionReceipt | None:
    """None when there is none that can be read: what it belongs to is then made again."""
    try:
        return ConversionReceipt(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _fits(receipt: ConversionReceipt | None, card: ModelCard, conversion: str) -> bool:
    return (
        receipt is not None
        and receipt.published_sha256 == card.sha256
        and receipt.conversion == conversion
        and receipt.conversion_version == version_of(conversion)
    )


def _ready(status: WeightStatus) -> Path:
    if status.state == "missing":
        raise WeightsUnavailable(status.note)
    if status.state == "corrupt":
        raise WeightsCorrupt(status.note)
    return status.path


def _own_path(card: ModelCard) -> Path | None:
    """Where a file lies that is never fetched: the user's own, or one that ships with perse."""
    (source, *_) = card.sources
    if isinstance(source, PathSource):
        return source.path
    return PACKAGED / card.file if isinstance(source, PackagedSource) else None


def _missing(card: ModelCard, path: Path) -> str:
    (source, *_) = card.sources
    if isinstance(source, PathSource):
        return f"there is no file {path}, which your catalogue names for {card.name}: correct it"
    if isinstance(source, PackagedSource):
        return f"the network {card.name}, {path}, is missing in this installation: install again"
    return f"the network {card.name} is not here ({path}): run `perse models fetch`"


def _corrupt(card: ModelCard, path: Path) -> str:
    if isinstance(card.sources[0], PathSource):
        return (
            f"{path} is not the file that your catalogue pins as {card.name}: its SHA-256 is "
            f"{sha256_of(path)} and its size {path.stat().st_size} bytes; correct the catalogue "
            "if you trust the file"
        )
    return (
        f"{path} is not the network {card.name} as it was pinned by SHA-256, it was changed or "
        "damaged: run `perse models fetch` to replace it"
    )

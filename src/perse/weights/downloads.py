"""Files over HTTP: resumed where they stopped, tried again where it helps, never too long."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx2

from perse.errors import WeightsCorrupt, WeightsUnavailable
from perse.weights.files import Piece, Progress, holds, refuse_longer

CONNECT_S: Final = 5.0
_READ_S: Final = 30.0
_PAUSES_S: Final = (0.5, 1.0, 2.0)
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")

TIMEOUT: Final = httpx2.Timeout(_READ_S, connect=CONNECT_S, pool=CONNECT_S)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a file on a server: ``size_bytes`` from byte ``first`` on."""

    name: str
    first: int
    size_bytes: int


class NotThere(WeightsUnavailable):
    """The server answers, but does not have the file."""


class _Passing(Exception):
    """A failure that may be gone in a moment."""


def open_client() -> httpx2.Client:
    """A client for pinned addresses: short to connect, patient to read, proxies as the system's."""
    hooks = {"response": [stay_on_the_web]}
    return httpx2.Client(timeout=TIMEOUT, follow_redirects=True, event_hooks=hooks)


def stay_on_the_web(response: httpx2.Response) -> None:
    """Raises WeightsUnavailable when a server sends on to something that is no web address."""
    if response.has_redirect_location:
        target = response.url.join(response.headers["Location"])
        if target.scheme not in ("http", "https"):
            raise WeightsUnavailable(
                f"{response.url.host} sends on to an address that begins with {target.scheme}:, "
                "which is not followed"
            )


def download(
    client: httpx2.Client,
    url: str,
    piece: Piece,
    *,
    part: Path,
    progress: Progress,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Leave ``piece`` complete and verified in ``part``, going on from what is there already.

    Raises NotThere, WeightsUnavailable when nothing answers, WeightsCorrupt for another file.
    """
    resumed = part.exists()
    _try_again(lambda: _receive(client, url, piece, part, progress), url, pause)
    if resumed and not holds(part, piece):
        part.unlink()
        _try_again(lambda: _receive(client, url, piece, part, progress), url, pause)
    if not holds(part, piece):
        part.unlink()
        raise WeightsCorrupt(
            f"{host_of(url)} sent another {piece.name} than the one that the catalogue pins by "
            "SHA-256: nothing was kept; fetch again, or take the file from a mirror that you trust"
        )


def download_stretch(
    client: httpx2.Client,
    url: str,
    stretch: Stretch,
    *,
    part: Path,
    progress: Progress,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Leave the stretch complete in ``part``, going on from what is there; not verified.

    Raises as ``download``, WeightsCorrupt also when the server does not give parts of files.
    """
    _try_again(lambda: _receive(client, url, stretch, part, progress), url, pause)


def range_of(response: httpx2.Response) -> tuple[int, int, int] | None:
    """First byte, last byte and size of the file, as an answer 206 says; None when it does not."""
    stated = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    return (int(stated[1]), int(stated[2]), int(stated[3])) if stated else None


def host_of(url: str) -> str:
    """What messages call the other side."""
    return httpx2.URL(url).host or url


def _try_again(attempt: Callable[[], None], url: str, pause: Callable[[float], None]) -> None:
    for delay_s in _PAUSES_S:
        try:
            attempt()
        except _Passing:
            pause(delay_s)
        else:
            return
    try:
        attempt()
    except _Passing as failure:
        raise WeightsUnavailable(f"{host_of(url)} did not answer ({failure})") from failure


def _receive(
    client: httpx2.Client, url: str, wanted: Piece | Stretch, part: Path, progress: Progress
) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have >= wanted.size_bytes:
        return
    headers = {"Accept-Encoding": "identity"} | _range(wanted, have)
    try:
        with client.stream("GET", url, headers=headers) as response:
            _check(response, url)
            have = _begun_at(response, wanted, have, url)
            _check_length(response, wanted, have, url)
            _write(response, wanted, part, have, progress)
    except httpx2.TransportError as error:
        raise _Passing(str(error) or type(error).__name__) from error
    except httpx2.HTTPError as error:
        raise WeightsUnavailable(f"{host_of(url)} cannot be asked ({error})") from error
    if part.stat().st_size < wanted.size_bytes:
        raise _Passing("the connection ended too early")


def _range(wanted: Piece | Stretch, have: int) -> dict[str, str]:
    if isinstance(wanted, Stretch):
        last = wanted.first + wanted.size_bytes - 1
        return {"Range": f"bytes={wanted.first + have}-{last}"}
    return {"Range": f"bytes={have}-"} if have else {}


def _begun_at(response: httpx2.Response, wanted: Piece | Stretch, have: int, url: str) -> int:
    """How much of ``wanted`` stands before the answer's first byte. Raises WeightsCorrupt for a
    part of the file that nobody asked for."""
    if isinstance(wanted, Piece) and response.status_code != HTTPStatus.PARTIAL_CONTENT:
        return 0
    first = wanted.first if isinstance(wanted, Stretch) else 0
    stated = range_of(response)
    if stated is None or stated[0] != first + have:
        raise WeightsCorrupt(
            f"{host_of(url)} sent another part of {wanted.name} than was asked for"
        )
    return have


def _check(response: httpx2.Response, url: str) -> None:
    status = response.status_code
    if status in _PASSING:
        raise _Passing(f"status {status}")
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise NotThere(f"{host_of(url)} does not have the file")
    if not response.is_success:
        raise WeightsUnavailable(f"{host_of(url)} refused ({status})")


def _check_length(response: httpx2.Response, piece: Piece | Stretch, have: int, url: str) -> None:
    """An announced length that is not the pinned one: a sign-in page, or another release."""
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and have + int(announced) != piece.size_bytes:
        raise WeightsCorrupt(
            f"{host_of(url)} offers {have + int(announced)} bytes as {piece.name}, the catalogue "
            f"pins {piece.size_bytes}: it is another file, take it from elsewhere or a mirror"
        )


def _write(
    response: httpx2.Response, piece: Piece | Stretch, part: Path, have: int, progress: Progress
) -> None:
    done = have
    with part.open("ab" if have else "wb") as file:
        for chunk in response.iter_bytes():
            done += len(chunk)
            try:
                refuse_longer(done, piece)
            except WeightsCorrupt:
                part.unlink()
                raise
            file.write(chunk)
            progress(done, piece.size_bytes, piece.name)

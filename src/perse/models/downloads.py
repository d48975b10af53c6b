"""Files over HTTP: resumed where they stopped, tried again where it helps, never too long."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx2

from perse.errors import WeightsCorrupt, WeightsUnavailable
from perse.models.weight_files import Piece, Progress, holds, refuse_longer

CONNECT_S: Final = 5.0
_READ_S: Final = 30.0
_PAUSES_S: Final = (0.5, 1.0, 2.0)
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

TIMEOUT: Final = httpx2.Timeout(_READ_S, connect=CONNECT_S, pool=CONNECT_S)


class NotThere(WeightsUnavailable):
    """The server answers, but does not have the file."""


class _Passing(Exception):
    """A failure that may be gone in a moment."""


def open_client() -> httpx2.Client:
    """A client for pinned addresses: short to connect, patient to read, proxies as the system's."""
    return httpx2.Client(timeout=TIMEOUT, follow_redirects=True)


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


def answers(client: httpx2.Client, url: str) -> bool:
    """Whether the file could be had now; asks once and for one byte."""
    try:
        with client.stream("GET", url, headers={"Range": "bytes=0-0"}) as response:
            return response.is_success
    except httpx2.HTTPError:
        return False


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


def _receive(client: httpx2.Client, url: str, piece: Piece, part: Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have >= piece.size_bytes:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with client.stream("GET", url, headers=headers) as response:
            _check(response, url)
            if response.status_code != HTTPStatus.PARTIAL_CONTENT:
                have = 0
            _check_length(response, piece, have, url)
            _write(response, piece, part, have, progress)
    except httpx2.TransportError as error:
        raise _Passing(str(error) or type(error).__name__) from error
    except httpx2.HTTPError as error:
        raise WeightsUnavailable(f"{host_of(url)} cannot be asked ({error})") from error
    if part.stat().st_size < piece.size_bytes:
        raise _Passing("the connection ended too early")


def _check(response: httpx2.Response, url: str) -> None:
    status = response.status_code
    if status in _PASSING:
        raise _Passing(f"status {status}")
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise NotThere(f"{host_of(url)} does not have the file")
    if not response.is_success:
        raise WeightsUnavailable(f"{host_of(url)} refused ({status})")


def _check_length(response: httpx2.Response, piece: Piece, have: int, url: str) -> None:
    """An announced length that is not the pinned one: a sign-in page, or another release."""
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and have + int(announced) != piece.size_bytes:
        raise WeightsCorrupt(
            f"{host_of(url)} offers {have + int(announced)} bytes as {piece.name}, the catalogue "
            f"pins {piece.size_bytes}: it is another file, take it from elsewhere or a mirror"
        )


def _write(
    response: httpx2.Response, piece: Piece, part: Path, have: int, progress: Progress
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

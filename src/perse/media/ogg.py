"""Ogg (RFC 3533): a file becomes its links, and each link a small file that is right throughout.

Files are joined end to end, recorders stop and go on, writers put wrong positions on their pages;
the decoder hears one link only, and refuses positions that are off by one. So the packets are
taken out and written again, with positions that are counted and not believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from perse.media.ogg_pages import CONTINUED, FIRST, LAST, Page, packed, pages_of
from perse.media.ogg_streams import OggStream, open_stream, sound_among

_PACKETS_PER_PAGE = 50
_SEGMENT = 255
_MOST_SEGMENTS = 255

Timed = list[tuple[bytes, int]]


def is_ogg(data: bytes) -> bool:
    """By content."""
    return data.startswith(b"OggS")


def ogg_parts(data: bytes, enough_s: float) -> Iterator[bytes]:
    """Each link that holds sound, as an Ogg file of its own with one Vorbis or Opus stream.

    A link ends with the packet that exceeds ``enough_s`` seconds. Raises InvalidFileType, which
    names what was found, for streams of another kind; FileTooLarge for more pages and packets
    than anybody should take apart; ValueError, LookupError or struct.error for damage.
    """
    for link in _links(data):
        packets = _packets(sound_among(link))
        stream = open_stream(packet for _, packet in packets)
        if stream is None:
            continue
        timed, surplus = _timed(packets, stream, enough_s)
        if timed:
            yield b"".join(_written(stream, timed, surplus))


def _links(data: bytes) -> Iterator[list[list[Page]]]:
    """Per link the pages of each stream. The first pages of all streams precede the others."""
    link: dict[int, list[Page]] = {}
    opening = False
    for page in pages_of(data):
        first = bool(page.flags & FIRST)
        if first and (not opening or page.serial in link):
            if link:
                yield list(link.values())
            link = {}
        if first:
            link[page.serial] = []
        link[page.serial].append(page)
        opening = first
    if link:
        yield list(link.values())


def _packets(pages: Iterable[Page]) -> Iterator[tuple[Page, bytes]]:
    """Whole packets, each with the page that it ends on. What is left of a packet when a page is
    missing is left out, and so are empty ones."""
    begun: list[bytes] = []
    next_number = None
    for page in pages:
        torn = bool(page.flags & CONTINUED) and not (begun and page.number == next_number)
        if torn or not page.flags & CONTINUED:
            begun = []
        next_number = page.number + 1
        start = 0
        for end in _ends(page.lacing):
            begun.append(page.body[start:end])
            packet, begun, start = b"".join(begun), [], end
            if packet and not torn:
                yield page, packet
            torn = False
        if page.lacing[-1:] == b"\xff" and not torn:
            begun.append(page.body[start:])


def _ends(lacing: bytes) -> Iterator[int]:
    end = 0
    for segment in lacing:
        end += segment
        if segment < _SEGMENT:
            yield end


def _timed(
    packets: Iterable[tuple[Page, bytes]], stream: OggStream, enough_s: float
) -> tuple[Timed, int]:
    """The packets of sound with their durations, and how much of the end is not to be heard.

    Positions count on the last page only: when its own says less than its packets do, its end was
    filled up (RFC 7845, section 4.4; Vorbis I, appendix A.2). What the page before it says must
    then be what was counted, or be off by as much as an earlier one.
    """
    timed: Timed = []
    offsets = {0}
    offset = counted = surplus = 0
    for page, group in groupby(packets, key=itemgetter(0)):
        known = offset in offsets
        offsets.add(offset)
        before = counted
        for _, packet in group:
            duration = stream.duration(packet)
            if duration is None:
                continue
            timed.append((packet, duration))
            counted += duration
            if counted > enough_s * stream.rate_hz:
                return timed, 0
        claimed = counted + offset - page.position
        surplus = claimed if known and 0 < claimed < counted - before else 0
        offset = page.position - counted
    return timed, surplus


def _written(stream: OggStream, timed: Timed, surplus: int) -> Iterator[bytes]:
    first, *others = stream.headers
    yield packed(FIRST, 0, 0, [first])
    yield packed(0, 0, 1, others)
    position = 0
    *groups, last = _grouped(timed)
    for number, group in enumerate(groups, 2):
        position += _duration(group)
        yield packed(0, position, number, [packet for packet, _ in group])
    end = position + _duration(last) - surplus
    yield packed(LAST, end, len(groups) + 2, [packet for packet, _ in last])


def _duration(group: Timed) -> int:
    return sum(duration for _, duration in group)


def _grouped(timed: Timed) -> Iterator[Timed]:
    """As many packets as one page takes."""
    group: Timed = []
    segments = 0
    for packet, duration in timed:
        more = len(packet) // _SEGMENT + 1
        if group and (segments + more > _MOST_SEGMENTS or len(group) == _PACKETS_PER_PAGE):
            yield group
            group, segments = [], 0
        group.append((packet, duration))
        segments += more
    yield group

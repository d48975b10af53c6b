"""Where the next page begins, in letters that a query may hold."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta

from perse.domain.references import parse_user_token
from perse.domain.subjects import Place
from perse.errors import InvalidParameter, UserTokenNotFound

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def cursor_at(place: Place) -> str:
    """What ``place_of`` reads."""
    moment = (place.created_at - _EPOCH) // _MICROSECOND
    return base64.urlsafe_b64encode(f"{moment} {place.user_token}".encode()).decode().rstrip("=")


def place_of(cursor: str) -> Place:
    """Raises InvalidParameter for what ``cursor_at`` did not make."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        moment, _, token = text.decode("ascii").partition(" ")
        place = Place(parse_user_token(token), _EPOCH + int(moment) * _MICROSECOND)
    except (ValueError, binascii.Error, OverflowError, UserTokenNotFound):
        raise InvalidParameter("cursor is what next_cursor of the page before was") from None
    return place

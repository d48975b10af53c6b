"""Bodies that are compressed as a whole: said, and not read (RFC 9110 §8.4, §15.5.16).

Pictures and recordings are compressed already, and a small body that unpacks into a large one is
an attack that nobody needs to be open to.
"""

from __future__ import annotations

from starlette.datastructures import Headers

from perse.errors import ContentEncodingUnsupported

_LONGEST_NAME = 40


def refuse_encoded(headers: Headers) -> None:
    """Raises ContentEncodingUnsupported, naming the encoding, for any but ``identity``."""
    listed = ",".join(headers.getlist("content-encoding")).split(",")
    named = [name.strip().lower() for name in listed]
    encoded = [name for name in named if name not in ("", "identity")]
    if encoded:
        raise ContentEncodingUnsupported(
            f"the body is {encoded[0][:_LONGEST_NAME]} encoded (Content-Encoding): "
            "send it as it is, without compression"
        )

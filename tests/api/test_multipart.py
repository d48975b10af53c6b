"""The form layer alone: what it takes, what it refuses, however the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perse.api.http.forms import Form, unquoted
from perse.api.http.multipart import (
    LONGEST_PREAMBLE,
    MAX_PARTS,
    MultipartBody,
    PartLimits,
    boundary_of,
)
from perse.errors import (
    ContentTypeHeaderMissing,
    EmptyFile,
    FileTooLarge,
    FormKeyMissing,
    InvalidParameter,
    PerseError,
)
from tests.served import BOUNDARY, form, part

LIMITS = PartLimits(files={"file": 1000}, texts={"text": 50}, body=5000)


def _parse(body: bytes, *, step: int = 65536) -> dict[str, bytes]:
    parser = MultipartBody(BOUNDARY.encode(), LIMITS)
    for start in range(0, len(body), step):
        parser.feed(body[start : start + step])
    return dict(parser.finish())


@given(content=st.binary(max_size=900), step=st.integers(1, 64))
def test_bytes_arrive_as_they_were_sent_however_they_are_cut(content: bytes, step: int) -> None:
    body = form(part("file", content), part("text", b"x"))
    assert _parse(body, step=step) == {"file": content, "text": b"x"}


@pytest.mark.parametrize(
    "tail", [b"\r\n", b"\r\n--", b"--", b"\r", b"\r\n--" + BOUNDARY[:-1].encode()]
)
def test_content_that_looks_like_a_boundary_stays_content(tail: bytes) -> None:
    assert _parse(form(part("file", b"a" + tail)), step=3) == {"file": b"a" + tail}


def test_a_file_at_its_limit_is_taken_and_one_byte_more_is_not() -> None:
    assert len(_parse(form(part("file", bytes(1000))))["file"]) == 1000
    with pytest.raises(FileTooLarge, match="file is larger than 1000 bytes"):
        _parse(form(part("file", bytes(1001))))


def test_the_whole_body_has_a_limit_too() -> None:
    with pytest.raises(FileTooLarge, match="the request is larger than 5000 bytes"):
        _parse(form(part("unknown", bytes(5000))))


def test_a_field_may_have_a_name_in_any_language() -> None:
    limits = PartLimits(files={}, texts={"字段": 10}, body=1000)
    parser = MultipartBody(BOUNDARY.encode(), limits)
    parser.feed(form(part("字段", b"x"), part("\U000f3530", b"y")))
    assert parser.finish() == {"字段": b"x"}


def test_what_nobody_asked_for_is_not_kept() -> None:
    assert _parse(form(part("unknown", b"x" * 3000), part("text", b"y"))) == {"text": b"y"}


def test_an_empty_body_is_an_empty_form() -> None:
    assert _parse(b"") == {}
    assert _parse(form()) == {}


_LINE = f"--{BOUNDARY}\r\n".encode()
_PREAMBLES = [
    b"This is a multi-part message in MIME format.",
    b"two\r\nlines -- with hyphens",
    b"--",
    BOUNDARY.encode(),
    f"x--{BOUNDARY}".encode(),
    f"--{BOUNDARY}ish\r\nno boundary".encode(),
    f"--{BOUNDARY[:-1]}".encode(),
    b"\r\n\r\n",
    b"x" * 3000,
]


@pytest.mark.parametrize("step", [1, 7, 65536])
@pytest.mark.parametrize("preamble", _PREAMBLES)
def test_text_before_the_first_boundary_is_skipped(preamble: bytes, step: int) -> None:
    body = form(part("file", b"\r\n--a"), part("text", b"y"))
    assert _parse(preamble + b"\r\n" + body, step=step) == {"file": b"\r\n--a", "text": b"y"}
    assert _parse(preamble + b"\r\n" + form(), step=step) == {}


@pytest.mark.parametrize("step", [1, 7, 65536])
@pytest.mark.parametrize("blanks", [b" ", b"\t", b" \t  ", b" " * 500])
def test_blanks_after_a_boundary_are_skipped(blanks: bytes, step: int) -> None:
    plain = form(part("file", b"a\r\n"), part("text", b"y"))
    padded = plain.replace(b"boundary\r\n", b"boundary%s\r\n" % blanks)
    padded = padded.replace(b"boundary--\r\n", b"boundary--%s\r\n" % blanks)
    assert len(padded) == len(plain) + 3 * len(blanks)
    assert _parse(b"preamble\r\n" + padded, step=step) == _parse(plain)


@pytest.mark.parametrize("step", [1, 7, 65536])
@pytest.mark.parametrize("epilogue", [b"", b"text", b"\r\n", _LINE, part("text", b"z")])
def test_text_after_the_last_boundary_is_skipped(epilogue: bytes, step: int) -> None:
    body = form(part("text", b"x"))
    assert _parse(body + epilogue, step=step) == {"text": b"x"}


def test_a_body_that_never_begins_is_given_up_early() -> None:
    parser = MultipartBody(BOUNDARY.encode(), PartLimits({}, {}, body=10**9))
    with pytest.raises(InvalidParameter, match="let your HTTP library write this header"):
        parser.feed(b"x" * (LONGEST_PREAMBLE + 1))


def _headers(*lines: str) -> bytes:
    return "\r\n".join([f"--{BOUNDARY}", *lines, "", ""]).encode() + b"x\r\n"


BROKEN: dict[str, bytes] = {
    "half a body": form(part("file", b"x" * 100))[:-20],
    "only a beginning": f"--{BOUNDARY}\r\n".encode(),
    "no form at all": b'{"image": "..."}',
    "another boundary": form(part("file", b"x")).replace(b"perse", b"other"),
    "a part without a disposition": form(_headers("Content-Type: image/jpeg")),
    "a part without a name": form(_headers("Content-Disposition: form-data")),
    "a disposition of another kind": form(_headers('Content-Disposition: attachment; name="file"')),
    "a name that is empty": form(part("", b"x")),
    "text after a boundary": form(
        part("file", b"x"), part("text", b"y").replace(b"ry\r", b"ry x\r")
    ),
    "blanks before the closing hyphens": form(part("file", b"x")).replace(b"ry--", b"ry --"),
    "a header without colon": form(_headers("Content-Disposition form-data")),
    "an endless header": form(_headers("X: " + "x" * 4800)),
    "too many headers": form(_headers(*[f"X-{i}: 1" for i in range(50)])),
    "too many parts": form(*[part(f"f{i}", b"") for i in range(MAX_PARTS + 1)]),
    "a field sent twice": form(part("text", b"a"), part("text", b"b")),
    "a long text": form(part("text", b"x" * 51)),
    "base64": form(part("file", b"eHh4", "Content-Transfer-Encoding: base64")),
}


@pytest.mark.parametrize("step", [1, 65536])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_form_is_an_invalid_parameter(name: str, step: int) -> None:
    with pytest.raises(InvalidParameter):
        _parse(BROKEN[name], step=step)


@given(st.binary(max_size=400))
def test_no_body_breaks_the_parser(body: bytes) -> None:
    for candidate in (body, f"--{BOUNDARY}\r\n".encode() + body, form(_headers("X: 1") + body)):
        try:
            _parse(candidate, step=7)
        except PerseError:
            continue


@pytest.mark.parametrize(
    "header",
    [
        "multipart/form-data; boundary=abc",
        'multipart/form-data; boundary="abc"',
        "Multipart/Form-Data; charset=utf-8; boundary=abc",
        "multipart/form-data;boundary=abc;charset=utf-8",
    ],
)
def test_the_boundary_of_a_content_type(header: str) -> None:
    assert boundary_of(header) == b"abc"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/mixed; boundary=abc",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 71,
    ],
)
def test_anything_but_a_multipart_form_is_named(header: str | None) -> None:
    with pytest.raises(ContentTypeHeaderMissing):
        boundary_of(header)


def test_a_missing_file_and_an_empty_one_are_named() -> None:
    sent = Form({"empty": b""})
    with pytest.raises(FormKeyMissing, match="image_file"):
        sent.file("image_file")
    with pytest.raises(EmptyFile, match="empty"):
        sent.file("empty")


def test_a_text_is_trimmed_utf_8() -> None:
    sent = Form({"text": " é\r\n".encode(), "bytes": b"\xff"})
    assert sent.text("text") == "é"
    assert sent.text("absent") is None
    with pytest.raises(InvalidParameter, match="bytes"):
        sent.text("bytes")


def test_repr_of_a_form_shows_no_content() -> None:
    assert repr(Form({"image_file": b"secret"})) == "Form(image_file)"


@pytest.mark.parametrize("sent", ["abc", '"abc"', ' "abc" ', '" abc "'])
def test_a_token_may_come_as_a_json_literal(sent: str) -> None:
    assert unquoted(sent) == "abc"
    assert Form({"user_token": sent.encode()}).required_text("user_token") == "abc"


@pytest.mark.parametrize("sent", ['"', '"abc', 'abc"', ""])
def test_a_lone_quote_is_kept(sent: str) -> None:
    assert unquoted(sent) == sent

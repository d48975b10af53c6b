from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from perse.errors import WeightsUnavailable
from perse.weights.cards import PackageSource
from perse.weights.downloads import NotThere
from perse.weights.package_index import (
    PackageIndexes,
    configured_indexes,
    locate,
    open_index_client,
    parse_pip_listing,
    read_options,
)
from tests.weights.file_server import FileServer

DIGEST = hashlib.sha256(b"wheel").hexdigest()
SOURCE = PackageSource(
    kind="package",
    package="Some_Net",
    version="1.2.0",
    archive="some_net-1.2.0-py3-none-any.whl",
    archive_sha256=DIGEST,
    archive_size_bytes=5,
    member="some_net/net.onnx",
)


def index(folder: Path, *links: str) -> str:
    """A simple index on disk with one page for the package."""
    page = folder / "some-net" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("".join(f'<a href="{link}">file</a>' for link in links))
    return folder.as_uri()


def found(*index_urls: str, find_links: tuple[str, ...] = ()) -> str:
    indexes = PackageIndexes(index_urls, find_links)
    with open_index_client(indexes) as client:
        return locate(SOURCE, indexes, client)


def test_pips_listing_in_its_own_order_of_weight() -> None:
    listing = "\n".join(
        (
            ":env:.find-links='/wheels'",
            "download.index-url='https://download.example/simple'",
            "freeze.timeout='10'",
            "global.cert='/etc/it\\'s.pem'",
            "global.find-links='/elsewhere'",
            "global.index-url='https://global.example/simple'",
            "install.index-url='https://install.example/simple'",
            "a line of something else",
        )
    )
    assert parse_pip_listing(listing) == {
        "cert": "/etc/it's.pem",
        "find-links": "/wheels",
        "index-url": "https://download.example/simple",
    }


def test_options_become_indexes(tmp_path: Path) -> None:
    indexes = read_options(
        {
            "index-url": "https://one.example/simple",
            "extra-index-url": "https://two.example/simple\nhttps://three.example/simple",
            "find-links": f"{tmp_path} {tmp_path / 'missing'} https://four.example/files",
            "trusted-host": "two.example three.example:8443",
            "cert": "/etc/cert.pem",
            "proxy": "http://proxy.example:3128",
        }
    )
    assert indexes == PackageIndexes(
        index_urls=tuple(f"https://{name}.example/simple" for name in ("one", "two", "three")),
        find_links=(str(tmp_path), "https://four.example/files"),
        trusted_hosts=("two.example", "three.example:8443"),
        cert="/etc/cert.pem",
        proxy="http://proxy.example:3128",
    )


def test_without_an_index_there_is_the_finders_own() -> None:
    indexes = read_options({"extra-index-url": "https://extra.example/simple"})
    assert len(indexes.index_urls) == 2
    assert indexes.index_urls[0].startswith("https://")
    assert indexes.index_urls[1] == "https://extra.example/simple"


def test_no_index_leaves_only_links(tmp_path: Path) -> None:
    indexes = read_options({"no-index": "true", "find-links": str(tmp_path)})
    assert indexes == PackageIndexes((), (str(tmp_path),))


def test_the_users_pip_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mine.example/simple")
    assert configured_indexes().index_urls[0] == "https://mine.example/simple"


def test_a_pip_that_lies_in_the_current_folder_is_not_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("import pathlib; pathlib.Path('run').touch()")
    monkeypatch.chdir(tmp_path)
    configured_indexes()
    assert not (tmp_path / "run").exists()


def test_without_pip_the_environment_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("raise SystemExit(1)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "https://mine.example/simple")
    monkeypatch.setenv("PIP_TRUSTED_HOST", "mine.example")
    indexes = configured_indexes()
    assert indexes.index_urls[0] == "https://mine.example/simple"
    assert indexes.trusted_hosts == ("mine.example",)


def test_the_file_with_the_pinned_hash_wins(tmp_path: Path) -> None:
    other = f"https://one.example/{SOURCE.archive}#sha256={'0' * 64}"
    same = f"https://two.example/{SOURCE.archive}#sha256={DIGEST}"
    bare = f"https://three.example/{SOURCE.archive}"
    first = index(tmp_path / "first", other, bare)
    second = index(tmp_path / "second", same)
    assert found(first, second).startswith("https://two.example/")
    assert found(first).startswith("https://three.example/")


@pytest.mark.parametrize(
    "link",
    [
        f"https://one.example/{SOURCE.archive}#sha256={'0' * 64}",
        "https://one.example/some_net-1.3.0-py3-none-any.whl",
        "https://one.example/some_net-1.2.0.tar.gz",
    ],
)
def test_another_release_is_not_taken(tmp_path: Path, link: str) -> None:
    with pytest.raises(NotThere, match="as it was released"):
        found(index(tmp_path / "index", link))


def test_a_folder_of_wheels_will_do(tmp_path: Path) -> None:
    (tmp_path / SOURCE.archive).write_bytes(b"wheel")
    assert found(find_links=(str(tmp_path),)).endswith(SOURCE.archive)


def test_an_index_that_is_down_does_not_hide_another(tmp_path: Path) -> None:
    with FileServer({}).running() as gone:
        down = gone.url
    up = index(tmp_path / "up", f"https://one.example/{SOURCE.archive}#sha256={DIGEST}")
    assert found(down, up).startswith("https://one.example/")
    with pytest.raises(WeightsUnavailable, match="package index did not answer"):
        found(down)


PAGE = "/simple/some-net/"


def on_the_web(server: FileServer, page: str) -> str:
    server.files[PAGE.lstrip("/")] = page.encode()
    server.kinds[PAGE] = "text/html"
    return f"{server.url}/simple"


def test_a_page_of_the_web_has_no_say_about_files_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / SOURCE.archive).write_bytes(b"wheel")
    local = f"{(tmp_path / SOURCE.archive).as_uri()}#sha256={DIGEST}"
    with FileServer({}).running() as server:
        url = on_the_web(server, f'<a href="{local}">file</a>')
        with pytest.raises(NotThere):
            found(url)


def test_an_index_that_sends_on_to_a_file_is_not_followed(tmp_path: Path) -> None:
    with FileServer({}).running() as server:
        server.redirects[PAGE] = tmp_path.as_uri()
        with pytest.raises(
            WeightsUnavailable, match="sends on to an address that begins with file:"
        ):
            found(f"{server.url}/simple")


def test_a_page_that_does_not_end_is_left(tmp_path: Path) -> None:
    with FileServer({}).running() as server:
        server.endless.add(PAGE)
        server.kinds[PAGE] = "text/html"
        with pytest.raises(WeightsUnavailable, match="does not end"):
            found(f"{server.url}/simple")
        assert server.sent_bytes < 64 << 20
    up = index(tmp_path / "up", f"https://one.example/{SOURCE.archive}#sha256={DIGEST}")
    assert found(up).startswith("https://one.example/")

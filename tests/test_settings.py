from __future__ import annotations

from pathlib import Path

import pytest

from perse.errors import SettingsInvalid
from perse.settings import Settings, load_settings

SETTINGS_PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`PERSE_{name.upper()}`" in SETTINGS_PAGE.read_text()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_explains_itself(name: str) -> None:
    assert (Settings.model_fields[name].description or "").endswith(".")


def test_a_variable_sets_the_field_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSE_MAX_FACES", "7")
    assert load_settings().max_faces == 7


def test_an_option_wins_over_the_environment_and_an_absent_one_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PERSE_PORT", "9001")
    assert load_settings(port=9002).port == 9002
    assert load_settings(port=None).port == 9001


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSE_CORS_ORIGINS", "https://a.example, https://b.example")
    assert load_settings().cors_origins == ("https://a.example", "https://b.example")


def test_a_bad_value_stops_the_start_with_the_variables_name_and_without_the_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PERSE_PORT", "eighty-secret")
    with pytest.raises(SettingsInvalid, match="PERSE_PORT") as caught:
        load_settings()
    assert "secret" not in caught.value.message


def test_settings_do_not_show_their_secrets() -> None:
    assert "hidden" not in repr(load_settings(token_signing_keys="hidden"))


def test_a_bad_part_of_a_list_is_told_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PERSE_CORS_HEADERS", "X-Good, not good")
    with pytest.raises(SettingsInvalid, match=r"PERSE_CORS_HEADERS: "):
        load_settings()


def test_a_file_in_the_folder_of_secrets_is_a_setting_and_a_variable_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "PERSE_DATABASE_URL").write_text("postgresql://db.example/perse\n")
    (tmp_path / "perse_max_faces").write_text("7\n")
    (tmp_path / "something_else").write_text("not ours")
    monkeypatch.setenv("PERSE_SECRETS_DIR", str(tmp_path))
    assert load_settings().effective_database_url == "postgresql://db.example/perse"
    assert load_settings().max_faces == 7
    monkeypatch.setenv("PERSE_MAX_FACES", "8")
    assert load_settings().max_faces == 8


def test_a_folder_of_secrets_that_is_not_there_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PERSE_SECRETS_DIR", str(tmp_path / "gone"))
    with pytest.raises(SettingsInvalid, match="PERSE_SECRETS_DIR"):
        load_settings()

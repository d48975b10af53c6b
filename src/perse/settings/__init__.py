"""Everything an operator can set, by ``PERSE_*`` variables. Frozen; read once at start."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from perse.errors import SettingsInvalid
from perse.settings.http import HttpSettings
from perse.settings.limits import LimitSettings
from perse.settings.telemetry import TelemetrySettings

Fmr = Annotated[float, Field(ge=1e-6, le=1e-1)]


class Settings(TelemetrySettings, HttpSettings, LimitSettings):
    """One field is one variable: ``data_dir`` is ``PERSE_DATA_DIR``."""

    model_config = SettingsConfigDict(env_prefix="PERSE_", frozen=True, extra="ignore")

    # where things are
    secrets_dir: Path | None = Field(
        None,
        description="Folder of files that are settings, each named like its variable, such as a "
        "container's mounted secrets; variables win.",
    )
    host: str = Field("127.0.0.1", description="Address the server listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port the server listens on.")
    data_dir: Path = Field(
        Path("data"), description="Folder of weights, keys and the database; created when missing."
    )
    database_url: SecretStr | None = Field(
        None,
        description="postgresql://... to share one database between servers; unset = a SQLite file "
        "in the data folder.",
    )
    evaluations_dir: Path | None = Field(
        None,
        description="Folder of evaluations (perse evaluate ... --json > NAME.json) that pages may "
        "show; unset = evaluations in the data folder.",
    )

    # networks
    pack: str = Field(
        "auto",
        description="Networks to use: auto (standard), standard, compact or a pack of your own.",
    )
    previous_pack: str | None = Field(
        None,
        description="Pack whose users are still compared, and moved to the networks in use as they "
        "are recognised; unset = the one that the data folder records, none = no pack.",
    )
    previous_pack_until: date | None = Field(
        None,
        description="Last day (YYYY-MM-DD, UTC) that the previous pack is used; unset = no end.",
    )
    catalog: Path | None = Field(
        None, description="Your own catalogue file (TOML) with further networks and packs."
    )
    model_mirror: str | None = Field(
        None, description="Folder or URL that weights are taken from before their origins."
    )
    offline: bool = Field(False, description="Never touch the network; weights must be here.")
    int8: Literal["auto", "off"] = Field(
        "auto",
        description="Networks in 8-bit integers, in half the time: auto (those that were measured, "
        "where the processor computes them exactly) or off, for the very same figures everywhere.",
    )
    threads_per_network: int = Field(
        1, ge=1, le=64, description="Threads each network run uses; requests run side by side."
    )

    # decisions
    face_fmr: Fmr | None = Field(
        None,
        description="False match rate that the default face threshold aims at; unset = the pack's.",
    )
    voice_fmr: Fmr | None = Field(
        None,
        description="False match rate that the default voice threshold aims at; "
        "unset = the pack's.",
    )
    enrolment_gate: Literal["contract", "standard", "strict"] = Field(
        "standard",
        description="Faces that may be enrolled: contract refuses wrong exposure alone, standard "
        "also what would not be recognised again, strict whatever fails a verdict.",
    )
    detect_recognisability: bool = Field(
        True,
        description="Tell in detect how recognisable each face is, for the time of one template "
        "a face.",
    )
    consent: Literal["recorded", "required"] = Field(
        "recorded",
        description="required refuses calls that do not declare the end user's consent.",
    )
    consent_purpose: str | None = Field(
        None,
        max_length=500,
        description="What the processing is for; written into every entry of the consent ledger.",
    )

    # what is kept
    master_key: SecretStr | None = Field(
        None,
        description="Key that seals everything, 32 bytes in base64; several, the newest first, "
        "while it is rotated.",
    )
    master_key_command: SecretStr | None = Field(
        None, description="Command that prints the master key, such as a key service's client."
    )
    master_key_file: Path | None = Field(
        None,
        description="File of the master key, mode 0600; unset = master.key in the data folder.",
    )
    token_signing_keys: SecretStr | None = Field(
        None,
        description="JWK set of Ed25519 private keys, the first signs; unset = in the data folder.",
    )
    samples_per_subject: int = Field(
        20, ge=1, le=1000, description="Most faces, and most voices, kept of a subject: the newest."
    )
    reference_ttl_days: float | None = Field(
        None,
        gt=0,
        description="Days after which a sample, and a subject that was not updated, is destroyed; "
        "unset = never.",
    )
    limit_guesses: bool = Field(
        True,
        description="Slow down and then lock comparisons against a user after many failures.",
    )
    rate_limit: float | None = Field(
        None, gt=0, description="Calls a second that each API key may make; unset = no limit."
    )
    rate_burst: int = Field(
        20, ge=1, description="Calls that an API key may make at once before the limit counts."
    )
    search_memory_bytes: int = Field(
        1_000_000_000, ge=1_000_000, description="Bytes of templates in each process for searches."
    )
    search_read_ahead: bool = Field(
        False, description="Read templates into memory at start, not at a tenant's first search."
    )
    cluster: str | None = Field(
        None,
        description="Head node (10.0.0.5:6379) of the Ray cluster that searches; unset = none.",
    )
    cluster_shards: int = Field(3, ge=1, le=1000, description="Parts of the gallery in a cluster.")
    cluster_copies: int = Field(2, ge=1, le=5, description="Machines that hold each of the parts.")

    @property
    def sqlite_file(self) -> Path:
        return self.data_dir / "perse.db"

    @property
    def effective_evaluations_dir(self) -> Path:
        return self.evaluations_dir or self.data_dir / "evaluations"

    @property
    def effective_master_key_file(self) -> Path:
        return self.master_key_file or self.data_dir / "master.key"

    @property
    def signing_key_file(self) -> Path:
        return self.data_dir / "signing-keys.json"

    @property
    def effective_database_url(self) -> str:
        """The database URL, the data folder's file when none is set."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.sqlite_file}"


def load_settings(**overrides: object) -> Settings:
    """Settings of the environment, ``overrides`` that are not None first.

    Raises SettingsInvalid naming each variable that is no good; values are not repeated.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    secrets = os.environ.get("PERSE_SECRETS_DIR") or None
    if secrets is not None and not os.access(secrets, os.R_OK | os.X_OK):
        raise SettingsInvalid(f"PERSE_SECRETS_DIR: {secrets} is no folder that may be read")
    try:
        return Settings(_secrets_dir=secrets, **given)  # type: ignore[arg-type]
    except ValidationError as invalid:
        problems = "; ".join(
            f"PERSE_{str(error['loc'][0]).upper()}: {error['msg']}"
            for error in invalid.errors(include_input=False, include_url=False)
        )
        raise SettingsInvalid(f"these settings are no good: {problems}") from None

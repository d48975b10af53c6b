"""``perse receipts``: signed proof of what was destroyed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from perse.auth.receipts import check_receipt, public_keys_of
from perse.bootstrap.signing_keys import open_signing_keys
from perse.bootstrap.storage import open_storage
from perse.cli.options import DataDir
from perse.domain.access import TenantId
from perse.domain.receipts import token_sha256
from perse.settings import load_settings

app = typer.Typer(help="List and verify receipts of destruction.", no_args_is_help=True)

UserTokenOption = Annotated[str | None, typer.Option(help="Of this user only.")]


@app.command("list")
def list_receipts(
    user_token: UserTokenOption = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Print the receipts that are kept, one JSON object per line, the oldest first."""
    with open_storage(load_settings(data_dir=data_dir)) as storage:
        found = storage.receipts.list(
            tenant_id=None if tenant is None else TenantId(tenant),
            subject_sha256=None if user_token is None else token_sha256(user_token),
        )
    for receipt in found:
        typer.echo(
            json.dumps(
                {
                    "issued_at": receipt.issued_at.isoformat(),
                    "event": receipt.event.value,
                    "tenant": receipt.tenant_id,
                    "subject_sha256": receipt.subject_sha256,
                    "receipt": receipt.jws,
                }
            )
        )


@app.command()
def verify(
    file: Annotated[
        Path,
        typer.Argument(
            help="A receipt: the JWS alone, or the JSON answer that carries it; - reads stdin.",
            allow_dash=True,
            readable=False,
        ),
    ],
    jwks: Annotated[
        Path | None,
        typer.Option(
            readable=False, help="Public keys to verify with; without it, this installation's."
        ),
    ] = None,
    user_token: Annotated[
        str | None, typer.Option(help="Check that the receipt is about this user.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Check a receipt's signature and print what it says. Exit 1 when it is not genuine."""
    text = typer.get_text_stream("stdin").read() if str(file) == "-" else _text(file)
    keys = _installation_keys(data_dir) if jwks is None else public_keys_of(_text(jwks))
    claims = check_receipt(text, keys, user_token=user_token)
    typer.echo(json.dumps(dict(claims), indent=2))


def _installation_keys(data_dir: Path | None) -> Mapping[str, Ed25519PublicKey]:
    return open_signing_keys(load_settings(data_dir=data_dir)).public_by_kid()


def _text(file: Path) -> str:
    """What is no text is no receipt and no key list either, which others say better."""
    return file.read_text("utf-8", errors="replace")

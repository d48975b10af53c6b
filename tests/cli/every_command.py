"""A command line for every command there is, with names in the place of folders and files."""

from __future__ import annotations

from collections.abc import Mapping

# {data} is added to every one of them.
COMMAND_LINES: Mapping[str, str] = {
    "setup": "",
    "serve": "--host 192.0.2.1",  # an address that this machine does not have: it ends
    "doctor": "--deep",
    "detect": "{picture} --draw {drawn}",
    "compare": "{picture} {picture} --json",
    "voice compare": "{recording} {recording} --json",
    "models list": "--json",
    "models fetch": "",
    "models verify": "",
    "db status": "",
    "db upgrade": "",
    "keys create": "app",
    "keys list": "",
    "keys forbid": "app operate",
    "keys allow": "app operate",
    "subjects import": "{faces} --report {imported} --key app",
    "bulk enrol": "{faces} --report {imported} --key app",
    "bulk embed": "{faces} --plaintext {imported} --key app",
    "bulk evaluate": "{faces} --groups {groups} --report {report} --key app",
    "bulk move": "{faces} --key app",
    "bulk forget": "--key app",
    "subjects list": "--json --key app",
    "subjects show": "obama --key app",
    "identify": "{picture} --json --key app",
    "subjects delete": "obama --yes --key app",
    "keys rotate": "app",
    "keys revoke": "app",
    "tenants list": "",
    "tenants limit": "nobody people 5",
    "tenants usage": "nobody",
    "tenants delete": "nobody --yes",
    "references status": "",
    "references unlock": "{token}",
    "references purge": "",
    "subjects export": "{token}",
    "consent verify": "",
    "consent export": "",
    "audit list": "--json",
    "audit verify": "",
    "receipts list": "",
    "receipts verify": "{receipt} --jwks {jwks}",
    "secrets rotate": "--tenant-keys",
    "evaluate face": "{faces} --groups {groups} --report {report}",
    "evaluate voice": "{voices} --report {report}",
    "evaluate liveness": "{presentations} --report {report}",
    "evaluate identification": "{faces} --report {report}",
    "calibrate face": "{faces} --fmr 0.1",
    "calibrate voice": "{voices} --fmr 0.1",
    "calibrate liveness": "{presentations} --bpcer 0.5",
    "calibrate list": "",
    "calibrate compare": "{points} {points}",
    "calibrate rollback": "liveness",
    "evaluate forget": "",  # last: the others share what it forgets
}


def words(command: str, names: Mapping[str, object]) -> list[str]:
    """The command line, ``names`` put in their places."""
    rest = COMMAND_LINES[command].format(**names)
    return [*command.split(), *rest.split(), "--data-dir", str(names["data"])]

"""What a program, native code and children included, asks of the system: addresses and files.

strace sees an attempt whether it succeeds or not, so nothing has to be reachable for it to count.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CONNECTING = "connect,sendto,sendmsg,sendmmsg"
_WRITING = (
    "open,openat,openat2,creat,truncate,mkdir,mkdirat,mknod,mknodat,"
    "rename,renameat,renameat2,link,linkat,symlink,symlinkat"
)
# ONNX Runtime leaves nothing behind where it finds one of these, which would hide what it does.
_HIDING = ("CI", "ORT_", "GITHUB_", "GITLAB_", "BUILD_", "TF_BUILD", "JENKINS_", "TRAVIS", "CIRCLE")
# Where a command that ran in this very process told matplotlib to keep its files.
_SET_BY_US = ("MPLCONFIGDIR",)
_CALL = re.compile(r"^\d+ +(?P<name>\w+)\((?P<arguments>.*)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_FOLDER = re.compile(r"^(?:AT_FDCWD|\d+)<([^>]*)>, ")
_NAMES_LOOKED_UP = ("/etc/resolv.conf", "/etc/hosts")
_NOWHERE = ("/dev/null", "/dev/tty")


def strace() -> str | None:
    return shutil.which("strace")


@dataclass(frozen=True)
class Recorder:
    """``before`` goes before the command; ``start``: the folder that it starts in."""

    log: Path
    start: Path

    @property
    def before(self) -> tuple[str, ...]:
        traced = f"{_CONNECTING},{_WRITING}"
        quiet = ("-qq", "-e", "signal=none", "-s", "4096")
        return ("strace", "-f", "-y", "--seccomp-bpf", *quiet, "-e", traced, "-o", str(self.log))

    def strangers(self, *own: Path) -> list[str]:
        """Every attempt to reach another machine, to look a name up, or to write outside ``own``;
        calls of the system as strace writes them."""
        roots = [str(path) for path in own]
        return [call for call in self._calls() if _goes_out(call) or _strays(call, self, roots)]

    def _calls(self) -> Iterator[str]:
        for line in self.log.read_text(errors="replace").splitlines():
            if _CALL.match(line):
                yield line


def plain_environment(inherited: dict[str, str], **changed: str | None) -> dict[str, str]:
    """A user's environment: nothing by which a dependency could notice that it is tested."""
    left_out = (*_HIDING, *_SET_BY_US)
    kept = {name: value for name, value in inherited.items() if not name.startswith(left_out)}
    kept |= {name: value for name, value in changed.items() if value is not None}
    return {name: value for name, value in kept.items() if changed.get(name, "") is not None}


def _goes_out(call: str) -> bool:
    if any(f'"{name}"' in call for name in _NAMES_LOOKED_UP):
        return True
    if "sin_port=htons(53)" in call or "sin6_port=htons(53)" in call:
        return True
    if "sa_family=AF_UNIX" in call:
        return "sun_path=" in call
    loopback = 'inet_addr("127.' in call or 'inet_pton(AF_INET6, "::1"' in call
    return "sa_family=AF_INET" in call and not loopback


def _strays(call: str, recorder: Recorder, roots: list[str]) -> bool:
    path = _written(call, recorder.start)
    inside = any(path == root or path.startswith(f"{root}/") for root in roots)
    return path != "" and path not in _NOWHERE and not inside


def _written(call: str, start: Path) -> str:
    """The path that the call would make or change; empty when it only reads."""
    found = _CALL.match(call)
    assert found
    name, arguments = found["name"], found["arguments"]
    quoted = _QUOTED.findall(arguments)
    if name in _CONNECTING.split(",") or not quoted:
        return ""
    if name.startswith("open") and not re.search(r"O_(CREAT|WRONLY|RDWR|TMPFILE)", arguments):
        return ""
    folder = _FOLDER.match(arguments)
    return str(Path(folder[1] if folder else start, quoted[-1]))

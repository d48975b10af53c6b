"""Released Python packages, looked for where the user's own pip would look.

Only a file's address is asked for: nothing is resolved, built, installed or run. Where neither
pip's configuration nor the environment names an index, the finder's own default is used.
"""

from __future__ import annotations

import ast
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import httpx2
from unearth import Package, PackageFinder
from unearth.auth import MultiDomainBasicAuth
from unearth.fetchers import Fetcher, PyPIClient

from perse.errors import WeightsUnavailable
from perse.weights.cards import PackageSource
from perse.weights.downloads import TIMEOUT, NotThere, stay_on_the_web
from perse.weights.files import home_expanded

_PIP_S: Final = 30
_LATER_WINS: Final = ("global", "install", "download", ":env:")
_LONGEST_PAGE_BYTES: Final = 16 << 20
_LONGEST_S: Final = 60.0
_OF_THE_BODY: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_YES: Final = frozenset({"1", "true", "yes", "on", "y", "t"})


@dataclass(frozen=True, slots=True)
class PackageIndexes:
    """Where packages come from: pip's options of the same names."""

    index_urls: tuple[str, ...]
    find_links: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    cert: str | None = None
    client_cert: str | None = None
    proxy: str | None = None


def configured_indexes() -> PackageIndexes:
    """What the pip of this Python is set up to use; without pip, what ``PIP_*`` variables say."""
    options = _options_of_pip()
    return read_options(_options_of_environment(os.environ) if options is None else options)


def read_options(options: Mapping[str, str]) -> PackageIndexes:
    """``options``: pip's long options without dashes, such as ``index-url``, to their text."""

    def words(name: str) -> tuple[str, ...]:
        return tuple(options.get(name, "").split())

    indexes = (*(words("index-url") or _default_index()), *words("extra-index-url"))
    return PackageIndexes(
        index_urls=() if options.get("no-index", "").lower() in _YES else indexes,
        find_links=tuple(_existing(words("find-links"))),
        trusted_hosts=words("trusted-host"),
        cert=options.get("cert") or None,
        client_cert=options.get("client-cert") or None,
        proxy=options.get("proxy") or None,
    )


def parse_pip_listing(listing: str) -> dict[str, str]:
    """Options out of what ``pip config list`` prints: ``SECTION.OPTION='VALUE'``, one per line."""
    found: dict[str, dict[str, str]] = {section: {} for section in _LATER_WINS}
    for line in listing.splitlines():
        key, equals, value = line.partition("=")
        section, _, option = key.rpartition(".")
        if equals and section in found:
            found[section][option] = str(ast.literal_eval(value))
    return {option: value for section in _LATER_WINS for option, value in found[section].items()}


def open_index_client(indexes: PackageIndexes) -> PyPIClient:
    """An HTTP client (which opens file:// too) with pip's certificates, proxy and sign-in."""
    client = _IndexClient(
        trusted_hosts=indexes.trusted_hosts,
        verify=_certificates(indexes),
        proxy=indexes.proxy,
        timeout=TIMEOUT,
        follow_redirects=True,
        event_hooks={"response": [stay_on_the_web]},
    )
    client.auth = MultiDomainBasicAuth(prompting=False, index_urls=list(indexes.index_urls))
    return client


class _IndexClient(PyPIClient):
    """Reads pages of some length in some time: an index may be hostile, or broken."""

    def get(self, url: httpx2.URL | str, **options: Any) -> httpx2.Response:  # noqa: ANN401
        """The page, as a whole. Raises WeightsUnavailable when it does not end."""
        content, started = bytearray(), time.monotonic()
        with self.stream("GET", url, **options) as response:
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > _LONGEST_PAGE_BYTES or time.monotonic() - started > _LONGEST_S:
                    raise WeightsUnavailable(f"a page of {response.url.host} does not end")
        headers = [it for it in response.headers.multi_items() if it[0].lower() not in _OF_THE_BODY]
        return httpx2.Response(
            response.status_code, headers=headers, content=bytes(content), request=response.request
        )


def locate(source: PackageSource, indexes: PackageIndexes, client: PyPIClient) -> str:
    """Address of the source's archive, one with the pinned hash before one without a hash.

    Raises NotThere when no index has it, WeightsUnavailable when none answers.
    """
    failures: list[str] = []
    packages: list[Package] = []
    for place in _places(indexes):
        try:
            packages += _matches(source, place, client)
        except WeightsUnavailable as problem:
            failures.append(problem.message)
        except (httpx2.HTTPError, OSError) as error:
            failures.append(f"{type(error).__name__}: {error}")
    url = _as_released(source, packages)
    if url is not None:
        return url
    if failures:
        raise WeightsUnavailable(f"the package index did not answer ({failures[0]})")
    raise NotThere(f"the package index does not have {source.archive} as it was released")


def _places(indexes: PackageIndexes) -> Iterator[PackageIndexes]:
    """Each place alone, so that one that is down does not hide the others."""
    for link in indexes.find_links:
        yield replace(indexes, find_links=(link,), index_urls=())
    for url in indexes.index_urls:
        yield replace(indexes, find_links=(), index_urls=(url,))


def _matches(source: PackageSource, place: PackageIndexes, client: PyPIClient) -> Sequence[Package]:
    finder = PackageFinder(
        cast(Fetcher, client),
        index_urls=place.index_urls,
        find_links=place.find_links,
        trusted_hosts=place.trusted_hosts,
        ignore_compatibility=True,
    )
    return list(finder.find_matches(f"{source.package}=={source.version}"))


def _as_released(source: PackageSource, packages: Sequence[Package]) -> str | None:
    """The file with the pinned hash; else one of the same name that states none."""
    unstated = None
    for link in (package.link for package in packages):
        if link.is_file and (link.comes_from or "").startswith(("http://", "https://")):
            continue  # a page of the web has no say about files of this machine
        stated = (link.hash_option or {}).get("sha256", [])
        if source.archive_sha256 in stated:
            return link.normalized
        if not stated and link.filename == source.archive:
            unstated = unstated or link.normalized
    return unstated


def _options_of_pip() -> dict[str, str] | None:
    # Isolated: a pip.py lying in the current folder is not the user's pip.
    command = [sys.executable, "-I", "-m", "pip", "config", "list", "--disable-pip-version-check"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_S, check=True)
        return parse_pip_listing(listed.stdout)
    except (OSError, subprocess.SubprocessError, ValueError, SyntaxError):
        return None


def _options_of_environment(environment: Mapping[str, str]) -> dict[str, str]:
    prefix = "PIP_"
    return {
        name.removeprefix(prefix).lower().replace("_", "-"): value
        for name, value in environment.items()
        if name.startswith(prefix)
    }


def _default_index() -> tuple[str, ...]:
    return tuple(source["url"] for source in PackageFinder().sources)


def _existing(links: tuple[str, ...]) -> Iterator[str]:
    """The finder stops at a folder that is missing, where pip only warns."""
    for link in links:
        path = home_expanded(link)
        if "://" in link:
            yield link
        elif path.exists():
            yield str(path)


def _certificates(indexes: PackageIndexes) -> ssl.SSLContext | bool:
    if not (indexes.cert or indexes.client_cert):
        return True
    context = ssl.create_default_context(cafile=indexes.cert)
    if indexes.client_cert:
        context.load_cert_chain(indexes.client_cert)
    return context

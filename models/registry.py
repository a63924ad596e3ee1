"""Fetching a pinned file from the package index that pip is configured for.

`pip download` itself would do for wheels, but of a source archive it runs the build hook to learn the metadata, and
code of a pack is never run here. So the finder library of PDM (unearth) reads the index with pip's settings, and the
file is taken as it is, by its hash.
"""

from __future__ import annotations

import contextlib
import logging
import os
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from . import pip_settings
from .errors import FetchFailed, HashMismatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unearth import PackageFinder
    from unearth.fetchers import PyPIClient

    from .catalogue import RegistrySource
    from .pip_settings import PipSettings

FIRST_PAUSE_S = 0.25
"""Pause before the first new attempt after a network failure; doubled each time, as pip does."""


class Progress(Protocol):
    """Called with what is being done, how much of it is done, and how much there is (None: not known)."""

    def __call__(self, step: str, done: int, total: int | None, /) -> None:
        """Takes note of the progress."""


def fetch(source: RegistrySource, folder: Path, progress: Progress) -> Path:
    """The pinned file, downloaded into `folder` (or where it lies, for a local index), its SHA-256 checked.

    Every configured place is asked, in pip's order, until one has the very file. Raises FetchFailed, HashMismatch.
    """
    from unearth.errors import HashMismatchError

    settings = pip_settings.read()
    mismatch = False
    with _client(settings) as client, _complaints() as complaints:
        for finder in _finders(settings, client):
            try:
                found = _fetch_patiently(finder, source, folder, settings.retries, progress)
            except HashMismatchError:
                mismatch = True
            except FetchFailed as error:
                complaints.append(str(error))
            else:
                if found:
                    return found
    if mismatch:
        raise HashMismatch(
            f"What the package index delivers as {source.filename} is not the file that the catalogue pins (SHA-256). "
            "Nothing was installed. Ask whoever runs the package mirror."
        )
    raise FetchFailed(
        f"{source.filename} could not be fetched: {'; '.join(complaints) or 'no configured package index has it'}. "
        "Check the network and pip's settings: python -m pip config list"
    )


def _fetch_patiently(
    finder: PackageFinder, source: RegistrySource, folder: Path, retries: int, progress: Progress
) -> Path | None:
    import httpx2
    from unearth.errors import HashMismatchError, UnpackError

    failure = ""
    for attempt in range(retries + 1):
        try:
            return _fetch_once(finder, source, folder, progress)
        except HashMismatchError:
            raise
        except (httpx2.HTTPError, UnpackError) as error:
            failure = str(error) or type(error).__name__
        if attempt < retries:
            progress(f"network failure, trying {source.filename} again", 0, None)
            time.sleep(FIRST_PAUSE_S * 2**attempt)
    raise FetchFailed(failure)


def _fetch_once(finder: PackageFinder, source: RegistrySource, folder: Path, progress: Progress) -> Path | None:
    progress(f"looking for {source.filename}", 0, None)
    for package in finder.find_all_packages(source.project, allow_yanked=True):
        if package.link.filename == source.filename:
            return finder.download(
                package.link,
                folder,
                hashes={"sha256": [source.sha256]},
                download_reporter=lambda _link, completed, total: progress(
                    f"downloading {source.filename}", completed, total or source.size
                ),
            )
    return None


def _finders(settings: PipSettings, client: PyPIClient) -> list[PackageFinder]:
    """One finder a place, so that a place that does not answer keeps nobody from asking the next."""
    from unearth import PackageFinder

    def finder(**places: list[str]) -> PackageFinder:
        return PackageFinder(client, ignore_compatibility=True, **places)  # type: ignore[arg-type]

    local = [link for link in settings.find_links if "://" in link or Path(link).expanduser().exists()]
    finders = [finder(find_links=[str(Path(link).expanduser()) if "://" not in link else link]) for link in local]
    if not settings.no_index:
        # Without index_urls the finder asks the public index, as pip does.
        finders.append(finder(index_urls=[settings.index_url] if settings.index_url else []))
        finders.extend(finder(index_urls=[url]) for url in settings.extra_index_urls)
    return finders


def _client(settings: PipSettings) -> PyPIClient:
    from unearth.auth import MultiDomainBasicAuth
    from unearth.fetchers import PyPIClient

    urls = [url for url in (settings.index_url, *settings.extra_index_urls) if url]
    return PyPIClient(
        trusted_hosts=settings.trusted_hosts,
        auth=MultiDomainBasicAuth(prompting=False, index_urls=urls),
        verify=_certificates(settings),
        proxy=settings.proxy,
        timeout=settings.timeout,
        follow_redirects=True,
    )


def _certificates(settings: PipSettings) -> ssl.SSLContext | bool:
    """What a server's certificate has to lead to: pip's setting, else the variables that pip reads, else the system."""
    authority = settings.cert or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if not authority and not settings.client_cert:
        return True
    try:
        if authority and Path(authority).is_dir():
            context = ssl.create_default_context(capath=authority)
        else:
            context = ssl.create_default_context(cafile=authority or None)
        if settings.client_cert:
            context.load_cert_chain(settings.client_cert)
    except (OSError, ssl.SSLError) as error:
        raise FetchFailed(
            f"The certificate file that pip is configured with cannot be read ({type(error).__name__}). "
            "Check: python -m pip config list"
        ) from error
    return context


@contextlib.contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collects what the finder would print about places that refuse, so that the error can say it in one piece."""
    messages: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    logger, handler = logging.getLogger("unearth"), Collector(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)

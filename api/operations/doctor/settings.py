"""Settings that name nothing, and settings that contradict each other."""

import ipaddress
import os
from collections.abc import Iterator

from api.operations.doctor.findings import Finding, found
from api.operations.doctor.subject import Subject
from api.storage import database
from api.storage.errors import DatabaseAddressInvalid

_DAY_S = 86400


def exclusive(examined: Subject) -> Iterator[Finding]:
    """A file in the home that a setting puts out of force."""
    given = examined.settings
    for setting, path, there in (
        ("RENZHENG_POLICY_FILE", given.home / "policy.toml", given.policy_file),
        ("RENZHENG_CALIBRATION_DIR", given.home / "calibrations", given.calibration_dir),
    ):
        if there is not None and path.exists() and path.resolve() != there.resolve():
            yield found("setting_hides_file", setting=setting, path=path)


def captures(examined: Subject) -> Iterator[Finding]:
    """A capture that is remembered for less than it is accepted could be used twice."""
    given = examined.settings
    if given.capture_duplicate_days * _DAY_S < given.capture_max_age_s + given.capture_max_ahead_s:
        yield found("captures_forgotten_early", days=given.capture_duplicate_days)
    if given.capture_max_ahead_s > given.capture_max_age_s:
        yield found("captures_ahead", ahead=given.capture_max_ahead_s, age=given.capture_max_age_s)


def waiting(examined: Subject) -> Iterator[Finding]:
    """Waits within waits."""
    given = examined.settings
    if given.register_url is not None and given.register_timeout_s > given.capture_max_age_s:
        yield found("register_waits_long", register=given.register_timeout_s, age=given.capture_max_age_s)
    if given.transit_url is not None and given.transit_timeout_s > given.database_timeout_s:
        yield found("transit_waits_long", transit=given.transit_timeout_s, database=given.database_timeout_s)


def pool(examined: Subject) -> Iterator[Finding]:
    """Each thread that compares is followed by a transaction."""
    given = examined.settings
    if given.database_pool_size < given.compute_threads:
        yield found("pool_small", pool=given.database_pool_size, threads=given.compute_threads)


def typed_cards(examined: Subject) -> Iterator[Finding]:
    """For demonstrations, and the whole network sees them."""
    if examined.settings.typed_cards and not is_loopback(examined.settings.host):
        yield found("typed_cards_open", host=examined.settings.host)


def key_store(examined: Subject) -> Iterator[Finding]:
    """Keys beside what they open: a backup of the one is a backup of the other."""
    given = examined.settings
    if given.database_url is None or given.key_store_url is None:
        return
    try:
        urls = [database.url_of(dsn, "") for dsn in (given.database_url, given.key_store_url)]
    except DatabaseAddressInvalid:
        return  # told where it is opened
    data, keys = [(url.host, url.port or 5432, url.database or url.username, url.query.get("host")) for url in urls]
    if data == keys:
        yield found("key_store_in_data")


def transit(examined: Subject) -> Iterator[Finding]:
    """Keys in the environment beside a service that keeps them."""
    if examined.settings.transit_url is not None and examined.settings.master_keys is not None:
        yield found("master_keys_beside_transit")


def python_options(_: Subject) -> Iterator[Finding]:
    """`-O` takes assertions out, some of which are guards of types."""
    if not __debug__ or os.environ.get("PYTHONOPTIMIZE"):
        yield found("python_optimised")


def is_loopback(host: str) -> bool:
    """Whether an address to listen on, or to ask, is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


CHECKS = (exclusive, captures, waiting, pool, typed_cards, key_store, transit, python_options)

"""Settings of the service: environment variables with the prefix `RENZHENG_`, documented in `docs/settings.md`."""

import base64
import binascii
import ipaddress
import os
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

import models

_KEY_BYTES = 32


class Settings(BaseSettings):
    """Everything an operator may set. Paths are absolute once loaded; times in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="RENZHENG_", frozen=True)

    home: Path = Field(default_factory=models.home, description="Folder of the database, the model packs and the keys.")
    database_url: str | None = Field(
        default=None, description="Any PostgreSQL server, as a DSN. Unset: the embedded server under the home folder."
    )
    key_store_url: str | None = Field(
        default=None,
        description="Where the keys of records lie, as a DSN. Unset: a database beside that of the data, NAME_keys.",
    )
    master_keys: SecretStr | None = Field(
        default=None, description="Further master keys beside those in files: 32 bytes in base64 each, with commas."
    )
    transit_url: str | None = Field(
        default=None, description="A key management service: the address of a transit engine, as Vault has it."
    )
    transit_key: str = Field(
        default="renzheng", pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="The name of the master key there."
    )
    transit_token_file: Path | None = Field(
        default=None, validate_default=True, description="A file that holds the token with which it is asked."
    )
    transit_timeout_s: float = Field(default=2.0, gt=0, le=60, description="How long its answer is waited for.")
    key_backup_days: int = Field(
        default=7, ge=1, le=365, description="Days for which a backup of the keys of records may be restored."
    )
    host: str = Field(default="127.0.0.1", description="Address that `renzheng serve` listens on.")
    port: int = Field(default=8470, ge=0, le=65535, description="Port that `renzheng serve` listens on.")
    log_format: Literal["text", "json"] = Field(default="text", description="How `renzheng serve` writes its log.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="From which level on something is logged. `INFO`: a line for every request."
    )
    metrics_port: int | None = Field(
        default=None, ge=0, le=65535, description="Port for Prometheus' scrapes. Unset: none is served."
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address for Prometheus' scrapes.")
    drain_s: float = Field(
        default=0.0, ge=0, le=600, description="After SIGTERM, for how long requests are still taken while unready."
    )
    most_wait_s: float = Field(
        default=2.0, gt=0, le=600, description="Verifications that would wait for longer are refused at once."
    )
    policy_file: Path | None = Field(
        default=None,
        description="Decision policy (TOML). Unset: `policy.toml` in the home folder, else the built-in one.",
    )
    calibration_dir: Path | None = Field(
        default=None,
        description="Calibrations of your own (JSON). Unset: `calibrations` in the home folder, else the shipped ones.",
    )
    face_pack: str = Field(
        default="sface", description="Recogniser of faces: `sface`, `insightface:NAME`, or the path of a TOML file."
    )
    face_provider: str | None = Field(
        default=None, description="What computes SFace. Unset: the fastest that this processor has."
    )
    max_body_bytes: int = Field(default=16 * 1024 * 1024, ge=1024, description="Largest request body.")
    compute_threads: int = Field(
        default_factory=lambda: max(1, len(os.sched_getaffinity(0))),
        ge=1,
        description="Threads that run the models, one core each. Default: the cores this process may use.",
    )
    database_pool_size: int = Field(default=16, ge=1, description="Connections to the database held at most.")
    database_timeout_s: float = Field(
        default=5.0, gt=0, description="Wait for a connection, and for a statement to finish, before answering 503."
    )
    capture_max_age_s: float = Field(default=300.0, gt=0, le=86400, description="Oldest capture accepted.")
    capture_max_ahead_s: float = Field(
        default=60.0, ge=0, le=86400, description="How far a capture's stamp may lie ahead."
    )

    receipt_wait_s: float = Field(
        default=0.05, ge=0, le=5, description="How long an answer waits for its receipt's inclusion proof."
    )
    capture_duplicate_days: int = Field(
        default=30, ge=1, le=3650, description="Days in which the same capture is not taken again."
    )

    idempotency_days: int = Field(
        default=7, ge=1, le=3650, description="Days in which a request sent again is answered as before."
    )

    retention_templates_days: int = Field(
        default=90, ge=1, le=3650, description="Days for which the templates of a card that ended are kept."
    )
    retention_decisions_days: int = Field(
        default=3653,
        ge=30,
        le=36500,
        description="Days for which decisions, questions and references name a person.",
    )
    retention_cases_days: int = Field(
        default=1096, ge=1, le=36500, description="Days for which texts and cases are kept after their end."
    )

    stored_faces_alarm: int = Field(
        default=100_000, ge=1, description="People with a stored face at which the alarm to file is raised."
    )

    requests_per_minute: int = Field(
        default=120, ge=1, le=1_000_000, description="Requests that whoever signs in may make, and in one burst."
    )

    page_session_days: int = Field(
        default=365, ge=1, le=400, description="Days for which a kiosk's or counter's page stays signed in."
    )
    reader_bridge: str = Field(
        default="ws://127.0.0.1:8471", description="Where the pages look for the card reader's bridge: their machine."
    )
    typed_cards: bool = Field(
        default=False, description="Whether the pages take cards that are typed in: for demonstrations, not for use."
    )

    feed_streams: int = Field(
        default=5000, ge=1, le=1_000_000, description="Streams of the feed that one replica holds open at once."
    )

    webhook_networks: str = Field(
        default="",
        description="Networks that webhooks may reach beside public addresses, with commas, such as `10.1.0.0/16`.",
    )

    register_url: str | None = Field(
        default=None,
        description="Another population register that is asked about every card shown, as `https://host`.",
    )
    register_key_file: Path | None = Field(
        default=None, validate_default=True, description="A file that holds the key with which it is asked."
    )
    register_timeout_s: float = Field(default=3.0, gt=0, le=60, description="How long its answer is waited for.")
    register_is_authority: bool = Field(
        default=True, description="Whether without its good word nobody passes, also with a card registered here."
    )

    biosdk_host: str = Field(default="127.0.0.1", description="Address that `renzheng biosdk` listens on.")
    biosdk_port: int = Field(default=9099, ge=0, le=65535, description="Port that `renzheng biosdk` listens on.")
    biosdk_key_file: Path | None = Field(
        default=None,
        description="A file that holds the key that requests to it have to bring. Unset: none is asked for.",
    )
    biosdk_fmr: float = Field(
        default=1e-4, gt=0, lt=1, description="Up to which false match rate it says that two records match."
    )

    @field_validator("webhook_networks")
    @classmethod
    def _networks(cls, text: str) -> str:
        for one in text.split(","):
            if one.strip():
                ipaddress.ip_network(one.strip())
        return text

    @field_validator("master_keys")
    @classmethod
    def _whole_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        if keys is not None:
            keys_in_text(keys.get_secret_value())
        return keys

    @field_validator("transit_url")
    @classmethod
    def _transit_guarded(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "https://nothing")
        if not parts.hostname or parts.port == 0 or parts.username is not None or parts.query or parts.fragment:
            raise ValueError("an address such as https://vault.example:8200/v1/transit is expected, without a password")
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_this_machine(parts.hostname)):
            raise ValueError("keys go there: it has to be https, or this machine")
        return url

    @field_validator("transit_token_file")
    @classmethod
    def _with_its_service(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if (path is None) != (info.data.get("transit_url") is None) and "transit_url" in info.data:
            raise ValueError("RENZHENG_TRANSIT_URL and RENZHENG_TRANSIT_TOKEN_FILE go together")
        return path

    @field_validator("reader_bridge")
    @classmethod
    def _on_the_pages_machine(cls, url: str) -> str:
        """It stands in a header: nothing but an address of the machine that the page runs on."""
        parts = urlsplit(url)
        if parts.scheme != "ws" or url != f"ws://{parts.netloc}" or not _is_this_machine(parts.hostname or ""):
            raise ValueError("an address such as ws://127.0.0.1:8471 is expected")
        if parts.username is not None or parts.port is None:
            raise ValueError("an address with a port and without a password is expected")
        return url

    @field_validator("register_url")
    @classmethod
    def _guarded_on_the_way(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        # To read the port is to check it.
        if not parts.hostname or parts.port == 0 or parts.username is not None or parts.query or parts.fragment:
            raise ValueError("an address such as https://register.example is expected, without a password")
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_this_machine(parts.hostname)):
            raise ValueError("persons' data go there: it has to be https, or this machine")
        return url

    @field_validator("register_key_file")
    @classmethod
    def _with_its_register(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if (path is None) != (info.data.get("register_url") is None) and "register_url" in info.data:
            raise ValueError("RENZHENG_REGISTER_URL and RENZHENG_REGISTER_KEY_FILE go together")
        return path

    @cached_property
    def webhook_allowed(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The networks of `webhook_networks`."""
        return tuple(ipaddress.ip_network(one.strip()) for one in self.webhook_networks.split(",") if one.strip())

    @cached_property
    def keys_dir(self) -> Path:
        """Folder of the master key, the index key and the receipt signing key."""
        return self.home / "keys"

    @cached_property
    def database_dir(self) -> Path:
        """Data folder of the embedded server."""
        return self.home / "database"

    @cached_property
    def calibration_path(self) -> Path | None:
        """The folder of the operator's own calibrations, None where there is none."""
        if self.calibration_dir is not None:
            return self.calibration_dir
        local = self.home / "calibrations"
        return local if local.is_dir() else None

    @cached_property
    def policy_path(self) -> Path | None:
        """The policy file in force, None for the built-in policy."""
        if self.policy_file is not None:
            return self.policy_file
        local = self.home / "policy.toml"
        return local if local.is_file() else None


def keys_in_text(text: str) -> list[bytes]:
    """Keys of 32 bytes in base64, with commas between them. Raises ValueError that tells none of them."""
    try:
        found = [base64.b64decode(one.strip(), validate=True) for one in text.split(",") if one.strip()]
    except binascii.Error:
        found = []
    if not found or any(len(one) != _KEY_BYTES for one in found):
        raise ValueError("keys of 32 bytes in base64 are expected, with commas between them")
    return found


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

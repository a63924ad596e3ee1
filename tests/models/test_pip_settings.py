from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from models import pip_settings
from models.pip_settings import PipSettings


def test_an_unconfigured_pip_leaves_everything_at_its_default() -> None:
    assert pip_settings.parse("") == PipSettings()


def test_variables_override_the_download_section_which_overrides_the_global_one() -> None:
    listing = """\
:env:.index-url='https://three.example/simple'
download.index-url='https://two.example/simple'
download.timeout='30'
global.index-url='https://one.example/simple'
global.timeout='9'
global.proxy='http://proxy.example:3128'
install.proxy='http://other.example:3128'
"""
    settings = pip_settings.parse(listing)
    assert settings.index_url == "https://three.example/simple"
    assert settings.timeout == 30
    assert settings.proxy == "http://proxy.example:3128"


def test_lists_are_separated_by_white_space() -> None:
    listing = r"""global.extra-index-url='\nhttps://a.example/simple\nhttps://b.example/simple'
global.trusted-host='a.example b.example:8080'
global.no-index='yes'
"""
    settings = pip_settings.parse(listing)
    assert settings.extra_index_urls == ("https://a.example/simple", "https://b.example/simple")
    assert settings.trusted_hosts == ("a.example", "b.example:8080")
    assert settings.no_index


def test_a_configuration_file_and_variables_are_read_as_pip_reads_them(
    pip_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://mirror.example/simple\ncert = /mirror.pem\n"
        "extra-index-url =\n    https://more.example/simple\n    https://most.example/simple\n"
    )
    pip_environment.setenv("PIP_CONFIG_FILE", str(file))
    pip_environment.setenv("PIP_CERT", "/mine.pem")
    settings = pip_settings.read()
    assert settings.index_url == "https://mirror.example/simple"
    assert settings.extra_index_urls == ("https://more.example/simple", "https://most.example/simple")
    assert settings.cert == "/mine.pem"


def test_without_pip_its_variables_still_count(
    pip_environment: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_pip(*_: Any, **__: Any) -> None:
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(subprocess, "run", no_pip)
    pip_environment.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    pip_environment.setenv("PIP_TRUSTED_HOST", "mirror.example")
    settings = pip_settings.read()
    assert (settings.index_url, settings.trusted_hosts) == ("https://mirror.example/simple", ("mirror.example",))

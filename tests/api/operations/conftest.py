"""The shared service on a port."""

from tests.api.cli.conftest import url

__all__ = ["url"]

"""The command line, `renzheng`: exit codes 0 done, 1 a negative answer, 2 usage, 3 failure."""

from api.cli.main import main

__all__ = ["main"]

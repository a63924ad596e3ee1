"""`renzheng` as a program whose service compares by script: `python -m tests.api.cli.scripted_program serve …`."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from api.cli.main import main
from tests.api.scripted import ScriptedComparer


class BiometricComparer(ScriptedComparer):
    """In the place of the real one."""

    @classmethod
    def open(cls, home: Path, **settings: Any) -> "BiometricComparer":
        """No model is opened, whatever is set."""
        return cls()


engines = ModuleType("api.matching.engines")
engines.__dict__["BiometricComparer"] = BiometricComparer
sys.modules[engines.__name__] = engines
main()

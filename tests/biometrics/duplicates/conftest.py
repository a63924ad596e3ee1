from pathlib import Path

import pytest

from tests.biometrics.duplicates.made import Made, made


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder: Path = tmp_path_factory.mktemp("register")
    return made(folder)

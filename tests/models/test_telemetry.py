"""onnxruntime must not leave an identifier of the machine behind, nor a store of events to send."""

import os
import subprocess
import sys
from pathlib import Path


def test_loading_the_models_room_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    program = "import models, onnxruntime; print(onnxruntime.SessionOptions().log_severity_level)"
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=120)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []

"""The service as a process whose comparisons are scripted: `python -m benchmarks.registry.program --port PORT`."""

import argparse

import uvicorn

from api import service as services
from api.http.app import create_app
from api.settings import Settings
from tests.api.scripted import ScriptedComparer


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    service = services.build(Settings(), ScriptedComparer())
    try:
        uvicorn.run(create_app(service), host="127.0.0.1", port=given.port, access_log=False, log_level="warning")
    finally:
        service.close()


if __name__ == "__main__":
    main()

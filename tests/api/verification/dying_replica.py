"""A replica that dies by kill -9 in the middle of a verification: `dying_replica HOME before|after`.

`before`: the decision is made and not committed. `after`: it is committed and not answered. Prints its port.
"""

import os
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from api import service as services
from api.http.app import create_app
from api.settings import Settings
from api.verification import pipeline, routes
from tests.api.scripted import ScriptedComparer


def die(*_: object, **__: object) -> None:
    """As the machine's end would: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    module, name = {"before": (pipeline.records, "write"), "after": (routes, "answer")}[sys.argv[2]]  # type: ignore[attr-defined]
    setattr(module, name, die)
    service = services.build(Settings(home=Path(sys.argv[1]), database_url=None), ScriptedComparer())
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)  # noqa: T201
        uvicorn.Server(uvicorn.Config(create_app(service), log_config=None)).run([listener])

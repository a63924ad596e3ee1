"""The service with a scripted comparer as a process: `python -m tests.faults.process --port N`.

With `--die-at POINT --mark FILE` it kills itself (SIGKILL, as the kernel would) at the first request that comes to a
point: `compared` when the captures were compared and nothing is written, `written` when everything is written and
nothing committed, `answer` when it is committed and no byte of the answer has been sent. FILE is made first: whoever
finds it there lives.
"""

import argparse
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import service as services
from api.http.app import create_app
from api.settings import Settings
from tests.api.scripted import ScriptedComparer
from tests.api.watching import watch

POINTS = ("compared", "written", "answer")
# So that requests overlap, and a kill finds some of them between their two transactions.
COMPARISON_S = 0.01


def _dying_before_answers(app: ASGIApp, die: Callable[[], None]) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def deadly(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in {200, 201}:
                die()
            await send(message)

        # A nonce is no act: it may be asked for again.
        acting = scope.get("method") == "POST" and scope["path"] != "/v1/captures"
        await app(scope, receive, deadly if acting else send)

    return wrapped


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--die-at", choices=POINTS)
    parser.add_argument("--mark", type=Path)
    given = parser.parse_args()

    def die() -> None:
        if not given.mark.exists():
            given.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    comparer = ScriptedComparer(meanwhile=die if given.die_at == "compared" else lambda: time.sleep(COMPARISON_S))
    # Nonces are not swept while a test runs, so that it can count them.
    service = services.build(Settings(database_url=None, capture_max_age_s=3600), comparer)
    app: ASGIApp = create_app(service)
    if given.die_at == "answer":
        app = _dying_before_answers(app, die)
    if given.die_at == "written":
        # The row of the idempotency key is the last one of every transaction that writes.
        def written(statement: str) -> None:
            if "INSERT INTO idempotency" in statement:
                die()

        watch(service.database, after=written)

    uvicorn.run(app, host="127.0.0.1", port=given.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()

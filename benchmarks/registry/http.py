"""The rate over HTTP of `benchmarks.registry.rate`: one real service process, terminals on threads of this one.

A terminal asks for a nonce, then verifies a card drawn at random, over a connection that stays open.
"""

import base64
import http.client
import json
import random
import secrets
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil

from benchmarks.registry import site as registry_site
from benchmarks.registry.cards import identity
from benchmarks.registry.site import new_keys
from benchmarks.service import meter as service_meter
from benchmarks.service import process as service_process

PROGRAM = [sys.executable, "-m", "benchmarks.registry.program"]


@dataclass(frozen=True)
class Met:
    """One run. The latency is of the verification alone; CPU times a verification, its nonce included."""

    figures: dict[str, float]
    decisions: Counter[str]


def measure(home: Path, cards: int, seconds: float, terminals: int, seed: int) -> Met:
    """Start the service on a site, load it for a time, end it."""
    with registry_site.open_site(home) as site:
        keys = new_keys(site, terminals)
        service = service_process.start(home, PROGRAM)
        try:
            process = psutil.Process(service.process.pid)
            _load(service.url, keys, cards, seed + 1000, 2.0)  # the first requests build what later ones reuse
            began = service_meter.read(process, home)
            answers = _load(service.url, keys, cards, seed, seconds)
            ended = service_meter.read(process, home)
        finally:
            service.stop()
    count = len(answers)
    times = 1000 * np.asarray([took for took, _ in answers])
    figures = {
        "http_decisions_per_s": count / seconds,
        "http_latency_p50_ms": float(np.percentile(times, 50)),
        "http_latency_p99_ms": float(np.percentile(times, 99)),
        "http_service_us": 1e6 * (ended.service - began.service) / count,
        "http_database_us": 1e6 * (ended.database - began.database) / count,
        "http_client_us": 1e6 * (ended.client - began.client) / count,
    }
    return Met(figures, Counter(decision for _, decision in answers))


def _load(url: str, keys: list[str], cards: int, seed: int, seconds: float) -> list[tuple[float, str]]:
    answers: list[list[tuple[float, str]]] = [[] for _ in keys]
    deadline = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_ask, args=(url, key, cards, random.Random(f"{seed} {at}"), deadline, answers[at]))
        for at, key in enumerate(keys)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answer for given in answers for answer in given]


def _ask(
    url: str, key: str, cards: int, drawn: random.Random, deadline: float, answers: list[tuple[float, str]]
) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    while time.monotonic() < deadline:
        nonce = _post(connection, "/v1/captures", {}, headers)["nonce"]
        card = identity(drawn.randrange(cards))
        body = {
            "card": {
                "number": card.number,
                "issuer": card.issuer,
                "valid_from": card.valid_from.isoformat(),
                "valid_to": None if card.valid_to is None else card.valid_to.isoformat(),
            },
            "channel": "counter",
            "purpose": "account_opening",
            "captures": {"face": {"image": base64.b64encode(f"person:a#{nonce}".encode()).decode()}},
            "captured_at": datetime.now(UTC).isoformat(),
            "nonce": nonce,
        }
        began = time.perf_counter()
        answer = _post(connection, "/v1/verifications", body, headers)
        answers.append((time.perf_counter() - began, f"{answer['decision']} {answer['document']['status']}"))
    connection.close()


def _post(
    connection: http.client.HTTPConnection, path: str, body: dict[str, Any], headers: dict[str, str]
) -> dict[str, Any]:
    connection.request("POST", path, json.dumps(body), {**headers, "Idempotency-Key": secrets.token_hex(16)})
    answer = connection.getresponse()
    content: dict[str, Any] = json.loads(answer.read())
    if answer.status not in {200, 201}:
        raise RuntimeError(f"{path} answered {answer.status}: {content.get('code')}")
    return content

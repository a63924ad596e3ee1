"""`renzheng serve` itself, as a process: its log, its metrics, and how it ends on SIGTERM."""

import gc
import json
import sys
import time

import httpx
import pytest

import models
from api.cli.serve import keep_what_is_there
from benchmarks.service import process as service_process

PROGRAM = [sys.executable, "-m", "api.cli", "serve"]


def test_what_is_there_at_the_start_is_no_garbage_to_look_for() -> None:
    try:
        keep_what_is_there()
        assert gc.get_freeze_count() > 100_000
    finally:
        gc.unfreeze()


@pytest.mark.long
def test_a_process_logs_measures_and_drains() -> None:
    with service_process.own_home(models.home()) as home:
        metrics = f"http://127.0.0.1:{(metrics_port := service_process.free_port())}/metrics"
        told = {
            "RENZHENG_LOG_FORMAT": "json",
            "RENZHENG_METRICS_PORT": str(metrics_port),
            "RENZHENG_DRAIN_S": "2",
        }
        service = service_process.start(home, PROGRAM, settings=told)
        try:
            assert httpx.get(f"{service.url}/v1/cards/zhang-wei").status_code == 401
            assert "\nrenzheng_database_up 1.0\n" in httpx.get(metrics).text
            assert httpx.get(f"{service.url}/metrics").status_code == 404
            service.process.terminate()
            ready = 200
            while ready == 200:
                ready = httpx.get(f"{service.url}/readyz").status_code
                time.sleep(0.02)
            assert ready == 503
            assert httpx.get(f"{service.url}/v1/errors").status_code == 200, "what arrives all the same is answered"
            assert "\nrenzheng_draining 1.0\n" in httpx.get(metrics).text
            service.process.wait(60)
        finally:
            if service.alive:
                service.kill()
        written = (home / service_process.LOG).read_text(encoding="utf-8")
    # What the command says to whoever starts it comes before the log.
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    routes = {one["route"] for one in lines if one["message"] == "request"}
    assert {"/v1/cards/{card_id}", "unmatched", "/readyz", "/v1/errors"} <= routes
    assert {one["logger"].partition(".")[0] for one in lines} >= {"api", "uvicorn"}, "the server's lines are alike"
    assert "zhang-wei" not in "".join(line for line in written.splitlines() if line.startswith("{"))

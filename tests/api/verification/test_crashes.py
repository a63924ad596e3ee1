"""The process dies, the database dies: what was answered stays, nothing is half there, and the key still serves."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import func, select, text
from starlette.testclient import TestClient

from api import service as services
from api.institutions.roles import Role
from api.service import Service
from api.settings import Settings
from api.storage import embedded
from api.storage.tables import evidence, verifications
from tests.api.bodies import Json, fresh, fresh_key, register, report, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error
from tests.api.scripted import ScriptedComparer
from tests.faults.promises import promised
from tests.folders import open_to_all


def decided(service: Service, card_id: str) -> tuple[int, int]:
    """Decisions on a card, and leaves of evidence that tell of them."""
    of_card = select(verifications.c.id).where(verifications.c.card_id == card_id)
    with service.database.begin() as connection:
        made = connection.execute(select(func.count()).select_from(of_card.subquery())).scalar_one()
        told = connection.execute(
            select(func.count()).select_from(evidence).where(evidence.c.subject_id.in_(of_card))
        ).scalar_one()
    return made, told


@pytest.fixture
def dying_replica(home: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a replica on the shared database that dies in its first verification."""
    command = [sys.executable, "-m", "tests.api.verification.dying_replica", str(home), request.param]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    assert process.wait(60) == -signal.SIGKILL
    process.stdout.close()


@pytest.mark.parametrize(("dying_replica", "made"), [("before", 0), ("after", 1)], indirect=["dying_replica"])
def test_a_process_that_is_killed_answers_for_good_or_not_at_all(
    authority: TestClient, terminal: TestClient, service: Service, dying_replica: str, made: int
) -> None:
    """Another replica then gives the same key its one answer."""
    card_id, card = register(authority)
    body, key = fresh(terminal, card), fresh_key()
    headers = {**key, "Authorization": terminal.headers["Authorization"]}
    with (
        httpx.Client(base_url=dying_replica, transport=httpx.HTTPTransport(retries=20)) as client,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        client.post("/v1/verifications", json=body, headers=headers, timeout=60)
    assert decided(service, card_id) == (made, made)
    first = terminal.post("/v1/verifications", json=body, headers=key)
    assert (first.status_code, first.json()["decision"]) == (200, "PASS")
    assert terminal.post("/v1/verifications", json=body, headers=key).json() == first.json()
    assert decided(service, card_id) == (1, 1)


def test_an_answer_that_was_lost_is_given_again(
    authority: TestClient, terminal: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision was made on a valid card; that it was reported lost since then does not change what was decided."""
    card_id, card = register(authority)
    body, key = fresh(terminal, card), fresh_key()
    with monkeypatch.context() as broken:
        broken.setattr("api.verification.routes.answer", lambda _: 1 / 0)
        assert_error(terminal.post("/v1/verifications", json=body, headers=key), 500, "internal")
    report(authority, card_id, "reported_lost")
    assert terminal.post("/v1/verifications", json=body, headers=key).json()["decision"] == "PASS"
    assert verify(terminal, card)["decision"] == "REFUSE"


class Alone:
    """A service on a server of its own, which may be killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.comparer = ScriptedComparer()
        self.service = services.build(
            Settings(home=home, database_url=None, database_pool_size=2, database_timeout_s=20), self.comparer
        )
        # It would come back by itself, sooner than a slow machine asks whether it is gone.
        self.service.database._revive = None
        # One system call instead of one for every file: a restart takes two seconds instead of six.
        with self.service.database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(
                text("ALTER SYSTEM SET recovery_init_sync_method = 'syncfs'")
            )

    def kill(self) -> None:
        """Kill the server with all that it started, as a power cut would."""
        server = psutil.Process(int((self.home / "database" / "postmaster.pid").read_text().split()[0]))
        family = [server, *server.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):  # it noticed that its parent is gone
                process.kill()
        psutil.wait_procs(family, timeout=60)

    def restart(self) -> None:
        """Start the server again, as the next start of the service does."""
        embedded.stop(self.home / "database")
        url = embedded.start(self.home / "database", self.home / "keys" / "database.key")
        assert url == self.service.database.url


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    made = Alone(open_to_all(tmp_path_factory.mktemp("alone")))
    yield made
    made.service.close()
    embedded.stop(made.home / "database")


@pytest.fixture
def client(alone: Alone, new_client: NewClient) -> TestClient:
    return new_client(service=alone.service)


@pytest.fixture
def registrar(alone: Alone, new_client: NewClient) -> TestClient:
    return new_client(Role.AUTHORITY, service=alone.service)


def gone(client: TestClient, body: Json, key: dict[str, str]) -> None:
    answer = client.post("/v1/verifications", json=body, headers=key)
    assert assert_error(answer, 503, "database_unavailable")["retryable"]
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("place", ["comparison", "decision"])
def test_a_database_that_dies_in_the_middle_comes_back_with_everything(
    alone: Alone, client: TestClient, registrar: TestClient, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    card_id, card = register(registrar)
    before = verify(client, card)
    body, key = fresh(client, card), fresh_key()
    with monkeypatch.context() as failing:
        if place == "comparison":
            failing.setattr(alone.comparer, "meanwhile", alone.kill)
        else:
            failing.setattr("api.verification.pipeline.records.write", lambda *_, **__: alone.kill())
        gone(client, body, key)
    gone(client, body, key)
    assert_error(client.get("/readyz"), 503, "database_unavailable")
    assert client.get("/healthz").status_code == 200
    lost = registrar.post(f"/v1/cards/{card_id}/events", json={"event": "reported_lost"})
    assert_error(lost, 503, "database_unavailable")

    alone.restart()

    again = client.get(f"/v1/verifications/{before['id']}").json()
    assert promised(again) == promised(before), "what was answered is there"
    assert decided(alone.service, card_id) == (1, 1), "what was not is not half there"
    answer = client.post("/v1/verifications", json=body, headers=key)
    assert (answer.status_code, answer.json()["decision"]) == (200, "PASS"), "nobody acknowledged the loss"
    assert decided(alone.service, card_id) == (2, 2)


def test_an_acknowledged_report_survives_a_power_cut(alone: Alone, client: TestClient, registrar: TestClient) -> None:
    card_id, card = register(registrar)
    report(registrar, card_id, "reported_lost")
    alone.kill()
    alone.restart()
    assert verify(client, card)["document"]["status"] == "card_reported_lost"

"""Two replicas, `renzheng serve` each, on an external PostgreSQL: what one does holds at the other at once."""

import base64
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from api.cli.main import app
from api.evidence import leaves, merkle
from api.evidence.checkpoints import open_note
from api.evidence.parameters import ORIGIN
from api.institutions import principals
from api.institutions.roles import Role
from api.settings import Settings
from api.storage import database, embedded, keys
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.migrate import head
from benchmarks.service import process as service_process
from benchmarks.service.plain_postgres import PlainPostgres
from benchmarks.service.process import ServiceProcess
from tests.api.bodies import Json, fresh, fresh_key, new_card, new_nonce, registration, report, verification, verify
from tests.api.entries import new_key
from tests.api.screening.entries import act, approve, propose, somebody
from tests.folders import open_to_all

PROGRAM = (sys.executable, "-m", "tests.api.cli.scripted_program", "serve")
SEQUENCER_LOCK = 0x65766964656E6365
WAIT_S = 120.0


@dataclass
class Town:
    """A PostgreSQL of its own, one home, and replicas."""

    home: Path
    server: PlainPostgres
    url: str
    replicas: list[ServiceProcess] = field(default_factory=list)
    clients: ExitStack = field(default_factory=ExitStack)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "RENZHENG_DATABASE_URL": self.url,
            "RENZHENG_RECEIPT_WAIT_S": "5",
            "RENZHENG_REQUESTS_PER_MINUTE": "100000",
            "RENZHENG_DATABASE_POOL_SIZE": "4",
        }

    @property
    def keys(self) -> Keys:
        return keys.load(self.home / "keys")

    def start(self) -> ServiceProcess:
        return service_process.start(self.home, PROGRAM, settings=self.settings)

    def new_key(self, role: Role) -> str:
        """As `renzheng terminals add` and the like make one."""
        with outside(self) as database:
            return new_key(database, self.keys, role, "institution")

    def client(self, replica: int, key: str) -> httpx.Client:
        return self.clients.enter_context(
            httpx.Client(
                base_url=self.replicas[replica].url,
                headers={"Authorization": f"Bearer {key}"},
                timeout=WAIT_S,
            )
        )

    def both(self, role: Role) -> tuple[httpx.Client, httpx.Client]:
        """The same terminal, or authority, at each replica."""
        key = self.new_key(role)
        return self.client(0, key), self.client(1, key)

    def ask(self, statement: str) -> object:
        with self.server.connect(self.url.rpartition("/")[2]) as connection:
            row = connection.execute(statement).fetchone()
            return None if row is None else row[0]


@contextmanager
def outside(town: Town) -> Iterator[Database]:
    opened = Database(database.server_url(Settings(database_url=town.url)), pool_size=1, timeout_s=10)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainPostgres]:
    made = PlainPostgres(open_to_all(tmp_path_factory.mktemp("external")) / "data").initialise().start()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def town(server: PlainPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Two replicas that came to an empty database at the same moment."""
    made = Town(open_to_all(tmp_path_factory.mktemp("home")), server, server.new_database())
    with ThreadPoolExecutor(2) as pool:
        started = [pool.submit(made.start) for _ in range(2)]
        made.replicas = [one.result() for one in started]
    yield made
    made.clients.close()
    for replica in made.replicas:
        if replica.alive:
            replica.stop()


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def proven(town: Town, receipt: Json) -> bool:
    """Whether a receipt holds: signature, and its leaf's place under a signed checkpoint."""
    public = town.keys.signing.public_key().public_bytes_raw()
    signature = base64.b64decode(receipt["signature"])
    assert leaves.verify(public, receipt["leaf"], receipt["include_by"], signature)
    shown = receipt.get("inclusion")
    if shown is None:
        return False
    signed = open_note(shown["checkpoint"], ORIGIN, town.keys.trusted)
    path = [bytes.fromhex(one) for one in shown["proof"]]
    digest = bytes.fromhex(receipt["leaf_hash"])
    return merkle.verify_inclusion(digest, shown["index"], signed.size, path, signed.root)


def ready(replica: ServiceProcess) -> bool:
    return httpx.get(f"{replica.url}/readyz", timeout=WAIT_S).status_code == 200


def checked(town: Town) -> str:
    """What `renzheng fsck` says of the external database, as a command beside the replicas."""
    environment = {"RENZHENG_HOME": str(town.home), "RENZHENG_KEY": None, **town.settings}
    done = CliRunner().invoke(app, ["fsck"], env=environment)
    assert done.exit_code == 0, done.output
    return done.output


def test_both_came_up_and_one_of_them_migrated(town: Town) -> None:
    assert all(map(ready, town.replicas))
    assert town.ask("SELECT version_num FROM alembic_version") == head()
    assert town.ask("SELECT count(*) FROM acts WHERE act = 'signing_key_changed'") == 1
    assert town.ask("SELECT count(*) FROM acts WHERE act = 'policy_changed'") == 1
    assert not (town.home / "database").exists(), "an embedded server was started"


def test_a_loss_reported_at_one_is_refused_at_the_other_at_once(town: Town) -> None:
    authority, _ = town.both(Role.AUTHORITY)
    _, terminal = town.both(Role.TERMINAL)
    for _ in range(20):
        card = new_card()
        made = authority.post("/v1/cards", json=registration(card), headers=fresh_key())
        assert made.status_code == 201, made.text
        assert verify(terminal, card)["decision"] == "PASS"
        report(authority, made.json()["id"], "reported_lost")
        answer = verify(terminal, card)
        assert (answer["decision"], answer["document"]["status"]) == ("REFUSE", "card_reported_lost")


def test_the_same_request_gets_the_same_answer_at_both(town: Town) -> None:
    authority, _ = town.both(Role.AUTHORITY)
    here, there = town.both(Role.TERMINAL)
    card = new_card()
    authority.post("/v1/cards", json=registration(card), headers=fresh_key()).raise_for_status()
    body, key = fresh(here, card), fresh_key()
    with ThreadPoolExecutor(2) as pool:
        sent = [pool.submit(one.post, "/v1/verifications", json=body, headers=key) for one in (here, there)]
        answers = [one.result() for one in sent]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    again = there.post("/v1/verifications", json=body, headers=key)
    assert again.json() == here.post("/v1/verifications", json=body, headers=key).json()
    assert town.ask(f"SELECT count(*) FROM verifications WHERE id = '{again.json()['id']}'") == 1
    other = there.post("/v1/verifications", json=fresh(here, card), headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def test_a_nonce_of_one_is_used_at_the_other_once(town: Town) -> None:
    authority, _ = town.both(Role.AUTHORITY)
    here, there = town.both(Role.TERMINAL)
    card = new_card()
    authority.post("/v1/cards", json=registration(card), headers=fresh_key()).raise_for_status()
    nonce = new_nonce(here)
    assert verify(there, card, nonce=nonce)["decision"] == "PASS"
    again = here.post("/v1/verifications", json=verification(card, nonce=nonce), headers=fresh_key())
    assert (again.status_code, again.json()["code"]) == (409, "nonce_reused")
    # Side by side at both, one goes on.
    nonce = new_nonce(here)
    with ThreadPoolExecutor(2) as pool:
        sent = [
            pool.submit(one.post, "/v1/verifications", json=verification(card, nonce=nonce), headers=fresh_key())
            for one in (here, there)
        ]
        codes = sorted(one.result().status_code for one in sent)
    assert codes == [200, 409]


def test_who_is_listed_at_one_is_found_at_the_other_at_once(town: Town) -> None:
    authority, _ = town.both(Role.AUTHORITY)
    _, terminal = town.both(Role.TERMINAL)
    (proposer, _), (_, approver) = (town.both(Role.SUPERVISOR) for _ in range(2))
    for _ in range(5):
        face, card = somebody(), new_card()
        authority.post("/v1/cards", json=registration(card, face=face), headers=fresh_key()).raise_for_status()
        assert verify(terminal, card, face=face)["decision"] == "PASS"
        entry = approve(approver, propose(proposer, face))
        answer = verify(terminal, card, face=face)
        assert (answer["decision"], answer["person"]["reasons"]) == ("REVIEW", ["match", "screening_hit"])
        number = act(proposer, entry, "remove")["sequence"]
        answer = verify(terminal, card, face=face)
        assert (answer["decision"], answer["screening"]["sequence"]) == ("PASS", number)


def test_whoever_is_ended_is_refused_at_both_at_once(town: Town) -> None:
    key = town.new_key(Role.TERMINAL)
    both = [town.client(at, key) for at in (0, 1)]
    assert [one.post("/v1/captures").status_code for one in both] == [201, 201]
    with outside(town) as opened, opened.begin() as connection:
        caller = principals.authenticate(connection, key)
        assert caller is not None
        principals.end(connection, town.keys, caller.principal_id, actor_id=None)
    assert [one.post("/v1/captures").status_code for one in both] == [401, 401]


def included(client: httpx.Client, receipt: Json) -> Json:
    """The receipt with its proof, which comes later than the answer where the sequencer is slow."""
    given = dict(receipt)

    def there() -> bool:
        if given.get("inclusion") is None:
            answer = client.get(f"/v1/evidence/inclusion/{receipt['leaf_hash']}")
            given["inclusion"] = answer.json() if answer.status_code == 200 else None
        return given["inclusion"] is not None

    until(there, "a leaf waits for its place")
    return given


def several(terminal: httpx.Client, card: Json) -> list[Json]:
    return [included(terminal, verify(terminal, card)["receipt"]) for _ in range(15)]


def test_receipts_of_both_stand_in_one_log_under_one_key(town: Town) -> None:
    authority, _ = town.both(Role.AUTHORITY)
    both = town.both(Role.TERMINAL)
    card = new_card()
    authority.post("/v1/cards", json=registration(card), headers=fresh_key()).raise_for_status()
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(several, both[at], card) for at in (0, 1)]
        receipts = [receipt for run in runs for receipt in run.result()]
    assert all(proven(town, receipt) for receipt in receipts)
    assert len({receipt["inclusion"]["index"] for receipt in receipts}) == len(receipts)


def test_one_sequencer_at_a_time_and_another_takes_over(town: Town) -> None:
    authority, _ = town.both(Role.AUTHORITY)
    here, there = town.both(Role.TERMINAL)
    card = new_card()
    authority.post("/v1/cards", json=registration(card), headers=fresh_key()).raise_for_status()
    until(lambda: there.get("/v1/evidence/status").json()["waiting"] == 0, "leaves wait for nobody")
    # Whoever holds the lock is the leader; here nobody of the service's is.
    with town.server.connect(town.url.rpartition("/")[2]) as leader, leader.transaction():
        leader.execute("SELECT pg_advisory_xact_lock(%s)", (SEQUENCER_LOCK,))
        promised = [verify(here, card)["receipt"] for _ in range(2)]
        assert not any("inclusion" in receipt for receipt in promised)
        # Beside these two the clock may just have told of the keys of an entry that ended above.
        assert there.get("/v1/evidence/status").json()["waiting"] in {2, 3}
        town.replicas[0].kill()
    until(lambda: there.get("/v1/evidence/status").json()["waiting"] == 0, "nobody took over")
    for receipt in promised:
        shown = there.get(f"/v1/evidence/inclusion/{receipt['leaf_hash']}")
        assert proven(town, {**receipt, "inclusion": shown.json()}), shown.text
    town.replicas[0] = town.start()


def test_what_a_killed_replica_acknowledged_is_at_the_other(town: Town) -> None:
    authority, _ = town.both(Role.AUTHORITY)
    here, there = town.both(Role.TERMINAL)
    card = new_card()
    authority.post("/v1/cards", json=registration(card), headers=fresh_key()).raise_for_status()
    body, key = fresh(here, card), fresh_key()
    answer = here.post("/v1/verifications", json=body, headers=key).json()
    town.replicas[0].kill()
    assert there.post("/v1/verifications", json=body, headers=key).json() == answer
    assert there.get(f"/v1/verifications/{answer['id']}").json()["decision"] == "PASS"
    town.replicas[0] = town.start()


def test_replicas_come_back_by_themselves_when_the_server_does(town: Town) -> None:
    assert town.server.kill() > 1
    for replica in town.replicas:
        gone = httpx.get(f"{replica.url}/readyz", timeout=30)
        assert (gone.status_code, gone.json()["code"]) == (503, "database_unavailable")
    town.server.start()
    for replica in town.replicas:
        until(partial(ready, replica), "no answer again")
    assert "Sound" in checked(town)
    assert all(replica.alive for replica in town.replicas)


def test_a_command_on_an_external_server_leaves_the_embedded_one_alone(town: Town, tmp_path: Path) -> None:
    home = open_to_all(tmp_path)
    folder, password = home / "database", home / "keys" / "database.key"
    embedded.start(folder, password)
    try:
        done = CliRunner().invoke(app, ["migrate"], env={"RENZHENG_HOME": str(home), "RENZHENG_DATABASE_URL": town.url})
        assert done.exit_code == 0, done.output
        assert embedded._server_process(folder) is not None
    finally:
        embedded.stop(folder)
    assert embedded._server_process(folder) is None

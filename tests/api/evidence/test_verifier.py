"""The independent verifier, run as others run it: a process of its own, isolated, on files."""

import ast
import gzip
import json
import runpy
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.testclient import TestClient

import api
import biometrics
import models
from api.evidence.checkpoints import verifier_key
from api.evidence.parameters import ORIGIN
from api.institutions.roles import Role
from tests.api.bodies import Json, fresh_key, new_card, register, registration, report, verify
from tests.api.conftest import NewClient

PROGRAM = Path(api.__file__).parents[1] / "deploy" / "verifier" / "verify.py"


class Verifier:
    """The program with a folder for its files."""

    def __init__(self, folder: Path, log_key: str) -> None:
        self.folder = folder
        self.log_key = log_key

    def file(self, name: str, content: object) -> str:
        path = self.folder / name
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def __call__(self, command: str, *files: str, log_key: str | None = None) -> tuple[int, str]:
        key = self.log_key if log_key is None else log_key
        done = subprocess.run(
            [sys.executable, "-I", str(PROGRAM), command, *files, "--log", key],
            capture_output=True,
            cwd=self.folder,
            env={},
            check=False,
        )
        if done.returncode == 2:
            assert done.stderr.startswith(b"NOTHING WAS VERIFIED: "), done.stderr.decode()
        else:
            assert not done.stderr, done.stderr.decode()
        return done.returncode, done.stdout.decode()


@pytest.fixture
def verifier(anonymous: TestClient, tmp_path: Path) -> Verifier:
    (key,) = anonymous.get("/v1/keys").json()
    return Verifier(tmp_path, key["verifier_key"])


def test_it_imports_nothing_of_ours() -> None:
    tree = ast.parse(PROGRAM.read_text(encoding="utf-8"))
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}
    ours = {Path(str(room.__file__)).parent.name for room in (api, biometrics, models)}
    assert not imported & ours


def test_answers_of_every_act_hold(authority: TestClient, terminal: TestClient, verifier: Verifier) -> None:
    card = new_card()
    registered = authority.post("/v1/cards", json=registration(card), headers=fresh_key()).json()
    for number, answer in enumerate(
        (registered, verify(terminal, card), report(authority, registered["id"], "reported_lost"))
    ):
        code, told = verifier("receipt", verifier.file(f"{number}.json", answer))
        assert (code, told[:24]) == (0, "holds: signed, and leaf "), told
        code, told = verifier("receipt", verifier.file(f"{number}.receipt.json", answer["receipt"]))
        assert code == 0, told


def changed(answer: Json, path: str, value: Any) -> Json:
    """A copy with one value changed; None takes it out."""
    copy: Json = json.loads(json.dumps(answer))
    *parents, last = path.split("/")
    inner = copy
    for name in parents:
        inner = inner[name]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return copy


CHANGES = {
    "decision": "PASS",
    "decided_at": "2026-01-01T00:00:00+00:00",
    "person/llr": 99.0,
    "document/status": "card_reissued",
    "receipt/leaf": "{}",
    "receipt/leaf_hash": "00" * 32,
    "receipt/signature": "AAAA",
    "receipt/include_by": "2030-01-01T00:00:00+00:00",
    "receipt/key_id": "0123456789abcdef",
    "receipt/algorithm": "none",
    "receipt/inclusion/index": 0,
    "receipt/inclusion/size": 1,
    "receipt/decision": "PASS",
    "receipt/inclusion/proof": [],
    "receipt/inclusion/checkpoint": "renzheng/evidence\n5\nAAAA\n\n",
}


@pytest.mark.parametrize("path", CHANGES)
def test_a_changed_answer_does_not_hold(
    authority: TestClient, terminal: TestClient, verifier: Verifier, path: str
) -> None:
    card_id, card = register(authority)
    report(authority, card_id, "reported_lost")
    answer = verify(terminal, card)
    code, told = verifier("receipt", verifier.file("answer.json", changed(answer, path, CHANGES[path])))
    assert (code, told[:15]) == (1, "DOES NOT HOLD: "), told


def test_the_receipt_of_something_else_does_not_hold(
    authority: TestClient, terminal: TestClient, new_client: NewClient, verifier: Verifier
) -> None:
    """Another act's receipt, and an answer's own with another answer around it."""
    card = new_card()
    registered = authority.post("/v1/cards", json=registration(card), headers=fresh_key()).json()
    decided = verify(terminal, card)
    asked = {"number": card["number"], "purpose": "account_opening"}
    check = terminal.post("/v1/checks", json=asked, headers=fresh_key()).json()
    lost = report(authority, registered["id"], "reported_lost")
    administrator, name = new_client(Role.ADMINISTRATOR), secrets.token_hex(8)
    added = administrator.post("/v1/institutions", json={"name": name}, headers=fresh_key()).json()
    member = administrator.post("/v1/principals", json={"name": name, "role": "supervisor"}, headers=fresh_key()).json()
    path = f"/v1/principals/{member['id']}"
    key = administrator.post(f"{path}/keys", json={}, headers=fresh_key()).json()
    revoked = administrator.delete(f"{path}/keys/{key['id']}").json()
    answers = {"decided": decided, "check": check, "lost": lost, "registered": registered, "added": added}
    answers |= {"member": member, "key": key, "revoked": revoked, "ended": administrator.delete(path).json()}
    # Some hundred forgeries: in this process.
    program = runpy.run_path(str(PROGRAM))
    log_keys = [program["LogKey"](verifier.log_key)]
    for name, answer in answers.items():
        code, told = verifier("receipt", verifier.file("own.json", answer))
        assert code in {0, 3}, (name, told)
        assert json.loads(answer["receipt"]["leaf"])["id"] in told
        forged = [{**answer, "receipt": other["receipt"]} for other in answers.values() if other is not answer]
        forged += [changed(answer, path, "another") for path in answer if path not in UNPROVEN[name]]
        forged += [{**answer["receipt"], "decision": "PASS"}]
        for wrong in forged:
            with pytest.raises(program["Refuted"]):
                program["check_receipt"](wrong, log_keys)
    code, told = verifier("receipt", verifier.file("own.json", lost))
    assert "not proven" not in told, "the whole of it stands in the leaf"
    code, told = verifier("receipt", verifier.file("own.json", registered))
    assert "not in the leaf, and so not proven: also_valid, enrolled, superseded\n" in told


def test_leaves_from_before_cards_were_named_in_them_are_taken(authority: TestClient, verifier: Verifier) -> None:
    """Version 2 knew cards by keyed hashes only; what an answer said beside that was not proven then, nor is it now."""
    card_id, _ = register(authority)
    lost = report(authority, card_id, "reported_lost")
    leaf = json.loads(lost["receipt"]["leaf"])
    former = {name: value for name, value in leaf.items() if name not in {"card_id", "superseded_by"}} | {"v": 2}
    compare = runpy.run_path(str(PROGRAM))["compare_answer"]
    assert compare(lost, former) == ["card_id", "superseded_by"]
    assert compare(lost, leaf) == []
    with pytest.raises(Exception, match="card_id"):
        compare({**lost, "card_id": str(uuid4())}, leaf)


# What leaves say nothing of: words, names, other acts; and `receipt`, which the other tests change.
UNPROVEN = {
    "decided": {"words", "receipt"},
    "check": {"words", "receipt"},
    "lost": {"receipt"},
    "registered": {"enrolled", "superseded", "also_valid", "receipt"},
    "added": {"name", "created_at", "receipt"},
    "member": {"name", "created_at", "credential", "receipt"},
    "key": {"key", "receipt"},
    "revoked": {"ended_at", "receipt"},
    "ended": {"ended_at", "receipt"},
}


def test_what_is_said_twice_does_not_hold(authority: TestClient, terminal: TestClient, verifier: Verifier) -> None:
    _, card = register(authority)
    text = json.dumps(verify(terminal, card))
    code, told = verifier("receipt", verifier.file("answer.json", '{"decision": "PASS", ' + text[1:]))
    assert (code, told) == (1, "DOES NOT HOLD: it says something twice\n")


@pytest.mark.parametrize("path", ["receipt", "receipt/leaf", "receipt/include_by", "receipt/signature", "decision"])
def test_what_was_taken_out_is_missed(
    authority: TestClient, terminal: TestClient, verifier: Verifier, path: str
) -> None:
    _, card = register(authority)
    code, _ = verifier("receipt", verifier.file("answer.json", changed(verify(terminal, card), path, None)))
    assert code == 1


def test_a_promise_is_called_one(authority: TestClient, terminal: TestClient, verifier: Verifier) -> None:
    _, card = register(authority)
    answer = changed(verify(terminal, card), "receipt/inclusion", None)
    code, told = verifier("receipt", verifier.file("answer.json", answer))
    assert code == 3
    promised = answer["receipt"]["include_by"]
    assert told.startswith(f"PROMISED ONLY: signed; the log has promised it a place by {promised}; verification ")


def test_another_logs_key_opens_nothing(authority: TestClient, anonymous: TestClient, verifier: Verifier) -> None:
    register(authority)
    note = verifier.file("a.note", anonymous.get("/v1/evidence/checkpoint").text)
    assert verifier("checkpoint", note)[0] == 0
    other = verifier_key(ORIGIN, Ed25519PrivateKey.generate().public_key())
    code, told = verifier("checkpoint", note, log_key=other)
    assert (code, told) == (1, "DOES NOT HOLD: the checkpoint bears no signature of the log\n")
    for key in ("nonsense", verifier.log_key[:-4] + "AAA=", verifier.log_key.replace("renzheng", "another")):
        assert verifier("checkpoint", note, log_key=key) == (2, "")


def test_checkpoints_kept_from_week_to_week(authority: TestClient, anonymous: TestClient, verifier: Verifier) -> None:
    notes, sizes = [], []
    for week in range(3):
        register(authority)
        text = anonymous.get("/v1/evidence/checkpoint").text
        notes.append(verifier.file(f"{week}.note", text))
        sizes.append(int(text.split("\n")[1]))
    for old, new in ((0, 1), (0, 2), (1, 2), (2, 2)):
        asked = {"old": sizes[old], "new": sizes[new]}
        proof = verifier.file("proof.json", anonymous.get("/v1/evidence/consistency", params=asked).json())
        code, told = verifier("consistency", notes[old], notes[new], proof)
        assert (code, told) == (0, f"holds: the log of {sizes[new]} leaves continues that of {sizes[old]}\n")
    proof = verifier.file(
        "proof.json", anonymous.get("/v1/evidence/consistency", params={"old": sizes[0], "new": sizes[2]}).json()
    )
    assert verifier("consistency", notes[2], notes[0], proof)[0] == 1, "the newer is not the smaller"
    assert verifier("consistency", notes[1], notes[2], proof)[0] == 1, "another pair's proof"
    assert verifier("consistency", notes[0], notes[2], notes[1])[0] == 1, "no proof at all"


def test_exported_leaves_make_the_root(
    authority: TestClient, anonymous: TestClient, new_client: NewClient, verifier: Verifier
) -> None:
    register(authority)
    note = verifier.file("kept.note", anonymous.get("/v1/evidence/checkpoint").text)
    size = int(Path(note).read_text(encoding="utf-8").split("\n")[1])
    for role, hidden in ((Role.REGULATOR, "0"), (Role.EVALUATOR, str(size))):
        reader = new_client(role)
        lines: list[str] = []
        while len(lines) < size:
            page = reader.get("/v1/evidence/leaves", params={"start": len(lines)}).json()
            lines += [json.dumps(leaf, ensure_ascii=False) for leaf in page["leaves"]]
        code, told = verifier("log", verifier.file("leaves.jsonl", "\n".join(lines) + "\n"), note)
        assert (code, told.split(", ")[-1]) == (0, f"{hidden} of them as hashes only\n"), told
        half = size // 2
        first, rest = verifier.folder / "first.jsonl.gz", verifier.file("rest.jsonl", "\n".join(lines[half:]))
        first.write_bytes(gzip.compress("\n".join(lines[:half]).encode()))
        assert verifier("log", str(first), rest, note)[0] == 0
        twice = '{"place": 0, ' + lines[0][1:]
        own = {"leaf": "{}", "withheld": "archived"}
        missing = {"leaf": None, "withheld": "missing"}
        called = [json.dumps({**json.loads(lines[0]), **more}) for more in (own, missing)]
        for first_line in (twice, *called):
            assert verifier("log", verifier.file("wrong.jsonl", "\n".join([first_line, *lines[1:]])), note)[0] == 1
        for wrong in (lines[: size - 1], [lines[1], lines[0], *lines[2:]], lines[1:], ["{}"], []):
            assert verifier("log", verifier.file("wrong.jsonl", "\n".join(wrong)), note)[0] == 1


def test_numbers_beyond_all_measure_are_refuted(
    authority: TestClient, terminal: TestClient, verifier: Verifier
) -> None:
    _, card = register(authority)
    text = json.dumps(verify(terminal, card))
    index = text.index('"index": ') + len('"index": ')
    code, told = verifier(
        "receipt", verifier.file("answer.json", f"{text[:index]}1e400{text[text.index(',', index) :]}")
    )
    assert (code, told) == (1, "DOES NOT HOLD: it cannot be read (OverflowError)\n")


def test_usage_is_told_apart(verifier: Verifier) -> None:
    done = subprocess.run([sys.executable, "-I", str(PROGRAM)], capture_output=True, check=False)
    assert done.returncode == 2
    for path in ("/nowhere", "/"):
        assert verifier("receipt", path) == (2, "")

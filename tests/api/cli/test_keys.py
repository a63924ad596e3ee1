"""`renzheng keys` and `cards erase`, where the database is and against a running service."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from typer.testing import Result

from api.cards import templates as sealed
from api.service import Service
from api.storage.recordkeys.tables import record_keys
from api.storage.tables import acts, cards, templates
from tests.api.cli.conftest import CommandLine
from tests.api.cli.test_cards import registered


def erased_of(restored: Result) -> int:
    """How many keys the command says were erased and not restored."""
    assert restored.exit_code == 0, restored.output
    found = re.search(r", (\d+) erased and not restored", restored.stdout)
    assert found is not None, restored.stdout
    return int(found[1])


def test_a_backup_and_what_comes_back_of_it(service: Service, line: CommandLine, tmp_path: Path) -> None:
    key_id, _ = service.keys.of_records.make()
    written = line("keys", "backup", str(tmp_path / "kept"))
    assert written.exit_code == 0, written.output
    (path,) = (tmp_path / "kept").iterdir()
    assert written.stdout.strip() == str(path), "nothing but the path, for a pipe"
    assert "to be restored until" in written.stderr
    # Other tests of this service erased keys, too.
    before = erased_of(line("keys", "restore", str(path)))
    service.keys.of_records.forget([key_id])
    assert erased_of(line("keys", "restore", str(path))) == before + 1
    assert service.keys.of_records.read([key_id]) == {}
    status = line("keys", "status")
    assert f"{service.keys.of_records.chosen}: " in status.stdout
    assert last_act(service, "record_keys_restored")["erased"] == before + 1
    assert "open nothing" in line("keys", "sweep").stdout
    path.write_text("changed")
    refused = line("keys", "restore", str(path))
    assert refused.exit_code == 3
    assert "key_backup_damaged" in refused.stderr
    assert "密钥备份已损坏" in refused.stderr


def last_act(service: Service, act: str) -> Any:
    """What the evidence tells of the last act of a name; None where there was none."""
    with service.database.begin() as connection:
        told = select(acts.c.details).where(acts.c.act == act).order_by(acts.c.at.desc()).limit(1)
        return connection.execute(told).scalar()


def test_a_sweep_is_told_in_the_evidence(service: Service, line: CommandLine) -> None:
    """Of the shared store: keys of other tests may go with ours, never those that something is sealed under."""
    assert line("keys", "sweep", "--delete").exit_code in {0, 1}, "what other tests left is gone, or is too much"
    made, before = [service.keys.of_records.make()[0] for _ in range(2)], last_act(service, "record_keys_swept")
    assert line("keys", "sweep").exit_code == 0
    assert last_act(service, "record_keys_swept") == before, "who counts destroys nothing"
    with service.keys.of_records.database.begin() as store:
        store.execute(
            update(record_keys).where(record_keys.c.id == made[0]).values(created_at=text("now() - interval '2 days'"))
        )
    done = line("keys", "sweep", "--delete")
    assert done.exit_code == 0, done.output
    assert "1 deleted" in done.stdout
    assert last_act(service, "record_keys_swept")["deleted"] == 1
    assert set(service.keys.of_records.read(made)) == {made[1]}


def test_a_person_is_erased(service: Service, authority_line: CommandLine) -> None:
    card_id = registered(authority_line)
    done = authority_line("cards", "erase", card_id, "--ground", "consent_withdrawn")
    assert done.exit_code == 0, done.output
    assert f"{card_id}: 已删除特征 1 个 1 template erased" in done.stdout
    with service.database.begin() as connection:
        held = select(func.count()).select_from(templates).where(templates.c.card_id == UUID(card_id))
        assert connection.execute(held).scalar_one() == 0
    assert authority_line("cards", "erase", card_id, "--ground", "whim").exit_code == 2


def test_a_rotation_of_the_master_key(service: Service, line: CommandLine, authority_line: CommandLine) -> None:
    card_id = registered(authority_line)
    before = service.keys.of_records.chosen
    made = line("keys", "new-master")
    assert made.exit_code == 0, made.output
    name = made.stdout.strip()
    refused = line("keys", "retire", before)
    assert refused.exit_code == 1
    assert "in use" in refused.stderr
    done = line("keys", "rotate", "--to", name)
    assert done.exit_code == 0, done.output
    assert "0 do not open" in done.stdout
    assert f"{name}: " in line("keys", "status").stdout
    assert line("keys", "rotate", "--to", "0000000000000000").exit_code == 3
    with service.database.begin() as connection:
        index = connection.execute(select(cards.c.instance_index).where(cards.c.id == UUID(card_id))).scalar_one()
        (face,) = sealed.of_instance(connection, service.keys, index)
        told = select(acts.c.details).where(acts.c.act == "master_key_rotated").order_by(acts.c.at.desc()).limit(1)
        assert connection.execute(told).scalar_one()["master_key"] == name
    assert face.template == b"person:a", "the service goes on, and was not told anything"
    # The rest of the tests goes on under the first one, whose file is what everybody has.
    assert line("keys", "rotate", "--to", before).exit_code == 0
    assert line("keys", "retire", name).exit_code == 0
    assert not (service.settings.keys_dir / f"master-{name}.key").exists()
    assert line("keys", "retire", name).exit_code == 3

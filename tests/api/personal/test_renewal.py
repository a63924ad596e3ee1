"""Faces are stored under the deployment's transform, and renewed under another while everything goes on."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select, text, update

from api import service as services
from api.cards.templates import context
from api.evidence import fsck
from api.institutions.roles import Role
from api.matching import transforms
from api.personal.renewal import RenewedElsewhere, renew
from api.service import Service
from api.settings import Settings
from api.storage import tables
from api.storage.recordkeys import KeyGone
from api.storage.recordkeys.envelopes import keys_of, open_sealed
from api.storage.sealing import record_key_of, seal_under
from biometrics.face import FaceTemplate, Transform
from biometrics.face.template import similarity
from tests.api.bodies import Json, register, verify
from tests.api.cli.conftest import CommandLine, renzheng
from tests.api.databases import own_database
from tests.api.screening.conftest import Town
from tests.api.screening.entries import somebody
from tests.api.scripted import template_of
from tests.api.vectors import VectorComparer

__all__ = ["renzheng"]


@pytest.fixture(scope="module")
def deployment(
    service: Service, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, VectorComparer]]:
    """A service of its own with real templates of faces."""
    comparer = VectorComparer()
    with own_database(service, migrated) as database:
        home, address = tmp_path_factory.mktemp("renewal"), database.url.render_as_string(hide_password=False)
        built = services.build(Settings(home=home, database_url=address, receipt_wait_s=0), comparer)
        yield built, comparer
        built.close()


@pytest.fixture
def town(deployment: tuple[Service, VectorComparer]) -> Town:
    """A bank that no other test knows."""
    return Town([deployment[0]])


@pytest.fixture
def scores(deployment: tuple[Service, VectorComparer]) -> list[float]:
    """The comparison scores of the test's verifications."""
    found = deployment[1].scores
    found.clear()
    return found


def card_of(town: Town, word: str) -> tuple[UUID, Json]:
    card_id, card = register(town.new(Role.AUTHORITY, f"bureau {town.mark}"), face=word)
    return UUID(card_id), card


def stored(service: Service, card_id: UUID) -> tuple[FaceTemplate, UUID | None]:
    """The face of a card as it stands in the database, and the transform beside it."""
    with service.database.begin() as connection:
        (row,) = connection.execute(select(tables.templates).where(tables.templates.c.card_id == card_id))
    found = keys_of(service.keys, [row.template_sealed])
    content = open_sealed(service.keys, row.template_sealed, context(row.id, card_id), found)
    return FaceTemplate.from_bytes(content), row.transform_id


def as_before(service: Service, card_id: UUID, word: str) -> None:
    """Store a card's face as versions before there were transforms did."""
    face = template_of("face", word)
    with service.database.begin() as connection:
        (row,) = connection.execute(select(tables.templates).where(tables.templates.c.card_id == card_id))
        key_id = record_key_of(row.template_sealed)
        assert key_id is not None
        key = service.keys.of_records.read([key_id])[key_id]
        assert key is not None
        sealed = seal_under(key_id, key, face.to_bytes(), context(row.id, card_id))
        old = update(tables.templates).where(tables.templates.c.id == row.id)
        connection.execute(old.values(template_sealed=sealed, transform_id=None))


def current(service: Service) -> UUID:
    with service.database.begin() as connection:
        return UUID(hex=transforms.current(connection, service.keys).name)


def unsound(service: Service) -> list[str]:
    """What `renzheng fsck` says of holdings."""
    with service.database.begin() as connection:
        return [one for one in fsck.check(connection, service.keys).findings if "template" in one]


def test_a_face_is_stored_under_the_transform_that_it_names(town: Town) -> None:
    word = somebody()
    card_id, _ = card_of(town, word)
    face, beside = stored(town.service, card_id)
    assert beside == UUID(hex=face.transform) == current(town.service)
    plain = template_of("face", word)
    assert isinstance(plain, FaceTemplate)
    assert abs(float(face.vector @ plain.vector)) < 0.6
    transform = transforms.named(town.service.keys, face.transform)
    assert transform.back(face).to_bytes() == plain.to_bytes()


def test_scores_are_what_they_were_before_during_and_after(town: Town, scores: list[float]) -> None:
    """Of faces from before there were transforms, and of turned ones; nobody waits, and nobody is refused."""
    service, terminal = town.service, town.new(Role.TERMINAL)
    words = [somebody() for _ in range(4)]
    cards = [card_of(town, word) for word in words]
    for (card_id, _), word in zip(cards[:2], words[:2], strict=True):
        as_before(service, card_id, word)

    def check() -> list[float]:
        scores.clear()
        for (_, card), word in zip(cards, words, strict=True):
            assert verify(terminal, card, face=word)["decision"] == "PASS"
            assert verify(terminal, card, face=word.replace("person", "maybe"))["decision"] == "REVIEW"
        return list(scores)

    before, during = check(), list[float]()
    stolen = [stored(service, card_id)[0] for card_id, _ in cards]
    former = current(service)

    def meanwhile(done: int) -> None:
        if not during:
            frames = {stored(service, card_id)[0].transform for card_id, _ in cards}
            assert len(frames) > 1, "some are renewed, and some are not yet"
            during.extend(check())

    # In the order of identifiers: the first batch holds one of ours at most.
    done = renew(service.database, service.keys, meanwhile, rows_at_once=1)
    assert (done.left, done.deleted) == (0, 1)
    assert done.templates >= 4
    after = check()
    assert verify(terminal, cards[0][1], face=somebody())["decision"] == "REFUSE"
    assert len(before) == len(during) == len(after) == 8
    assert np.abs(np.array([during, after]) - before).max() < 1e-6
    assert unsound(service) == []
    for (card_id, _), old in zip(cards, stolen, strict=True):
        face, beside = stored(service, card_id)
        assert beside == UUID(hex=face.transform) == done.name != former
        assert abs(float(face.vector @ old.vector)) < 0.6, "what was stolen before is a stranger's"
    service.keys.of_records.standing.clear()
    with pytest.raises(KeyGone):
        transforms.named(service.keys, former.hex)
    with service.database.begin() as connection:
        told = select(tables.acts.c.details).where(tables.acts.c.act == "templates_renewed")
        last = connection.execute(told.order_by(tables.acts.c.at.desc()).limit(1)).scalar_one()
    assert (last["transform"], last["former"]) == (str(done.name), [str(former)])


def test_two_deployments_faces_of_one_person_are_strangers(town: Town) -> None:
    word = somebody()
    (card_id, _), plain = card_of(town, word), template_of("face", word)
    face, _ = stored(town.service, card_id)
    assert isinstance(plain, FaceTemplate)
    other = Transform("other", os.urandom(32)).turn(plain)
    assert abs(float(face.vector @ other.vector)) < 0.6
    assert similarity(face, face) > 0.999


class Killed(BaseException):
    """Nothing of the program catches it."""


def test_broken_off_it_goes_on_with_what_is_left(town: Town, scores: list[float]) -> None:
    service, word = town.service, somebody()
    cards = [card_of(town, word) for _ in range(3)]

    def die(_: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        renew(service.database, service.keys, die, rows_at_once=1)
    begun = current(service)
    later, _ = card_of(town, somebody())
    assert stored(service, later)[1] == begun, "what is new is under it at once"
    done = renew(service.database, service.keys, rows_at_once=1)
    assert (done.name, done.left, done.deleted) == (begun, 0, 1)
    assert {stored(service, card_id)[1] for card_id, _ in cards} == {begun}
    assert verify(town.new(Role.TERMINAL), cards[0][1], face=word)["decision"] == "PASS"
    assert renew(service.database, service.keys).name != begun, "a new one, for that ended"


def test_two_at_once_do_not_turn_each_others_faces(town: Town) -> None:
    service = town.service
    card_id, _ = card_of(town, somebody())

    def another(_: int) -> None:
        with pytest.raises(RenewedElsewhere):
            renew(service.database, service.keys)

    done = renew(service.database, service.keys, another)
    assert stored(service, card_id)[1] == done.name == current(service)


def test_a_run_ends_where_another_transform_came_after_its_own(town: Town) -> None:
    service, word = town.service, somebody()
    cards = [card_of(town, word) for _ in range(3)]
    told: list[UUID] = []

    def superseded(_: int) -> None:
        if not told:
            with service.database.begin() as connection:
                told.append(UUID(hex=transforms.supersede(connection, service.keys).name))

    with pytest.raises(RenewedElsewhere):
        renew(service.database, service.keys, superseded, rows_at_once=1)
    assert verify(town.new(Role.TERMINAL), cards[0][1], face=word)["decision"] == "PASS", "under whichever it is"
    done = renew(service.database, service.keys)
    assert (done.name, done.left) == (told[0], 0)
    assert {stored(service, card_id)[1] for card_id, _ in cards} == {done.name}


def test_listed_people_are_found_before_during_and_after(town: Town) -> None:
    service = town.service
    words = [somebody() for _ in range(3)]
    for word in words:
        town.listed(word)

    def found() -> list[bool]:
        return ["screening_hit" in town.checked(word)["person"]["reasons"] for word in (*words, somebody())]

    seen = [found()]

    def meanwhile(_: int) -> None:
        if len(seen) == 1:
            seen.append(found())

    with town.left_alone() as keeper:
        keeper.look()
        keeper.save()
        done = renew(service.database, service.keys, meanwhile, rows_at_once=1)
        seen.append(found())
        gallery, folder = keeper.gallery, service.settings.home / "impostors"
        assert gallery.faces is not None
        assert gallery.faces.transform.name != done.name.hex
        keeper.look()
        seen.append(found())
        assert gallery.faces.transform.name == done.name.hex
        assert [path.parent.name for path in folder.glob("*/*/manifest.json")] == [done.name.hex]
    assert seen == [[True, True, True, False]] * 4
    with service.database.begin() as connection:
        held = select(tables.impostor_templates.c.transform_id).where(tables.impostor_templates.c.modality == "face")
        assert set(connection.execute(held).scalars()) == {done.name}


def test_what_does_not_open_is_left_and_its_transform_stays(town: Town) -> None:
    service, word = town.service, somebody()
    (broken, _), (sound, _) = card_of(town, word), card_of(town, word)
    former = current(service)
    with service.database.begin() as connection:
        (row,) = connection.execute(select(tables.templates).where(tables.templates.c.card_id == broken))
        spoilt = update(tables.templates).where(tables.templates.c.id == row.id)
        connection.execute(spoilt.values(template_sealed=row.template_sealed[:-1] + b"\0"))
    done = renew(service.database, service.keys)
    assert (done.left, done.deleted) == (1, 0)
    assert stored(service, sound)[1] == done.name
    assert former in service.keys.of_records.read([former])
    with service.database.begin() as connection:
        connection.execute(spoilt.values(template_sealed=row.template_sealed))
    again = renew(service.database, service.keys)
    assert (again.left, again.deleted) == (0, 2)
    assert stored(service, broken)[1] == again.name


def test_a_database_of_an_earlier_day_gets_a_transform_for_what_is_new(town: Town) -> None:
    """Its own was deleted since."""
    service = town.service
    former = current(service)
    done = renew(service.database, service.keys)
    with service.database.begin() as connection:
        connection.execute(text("UPDATE face_transforms SET superseded_at = now() WHERE superseded_at IS NULL"))
        connection.execute(text("UPDATE face_transforms SET superseded_at = NULL WHERE id = :id"), {"id": former})
    service.keys.of_records.standing.clear()
    assert current(service) not in {former, done.name}
    card_id, _ = card_of(town, somebody())
    assert stored(service, card_id)[1] == current(service)
    assert renew(service.database, service.keys).left == 0


def test_the_command_renews_and_can_keep_the_former_key(town: Town, renzheng: CommandLine) -> None:
    service = town.service
    card_id, _ = card_of(town, somebody())
    renzheng.environment |= {
        "RENZHENG_HOME": str(service.settings.home),
        "RENZHENG_DATABASE_URL": service.database.url.render_as_string(hide_password=False),
    }
    former = current(service)
    done = renzheng("keys", "renew-templates", "--keep-former")
    assert done.exit_code == 0, done.output
    assert str(current(service)) in done.stdout
    assert former in service.keys.of_records.read([former])
    assert stored(service, card_id)[1] == current(service) != former
    done = renzheng("keys", "renew-templates")
    assert done.exit_code == 0, done.output
    assert "2 former keys deleted" in done.stdout
    assert service.keys.of_records.read([former]) == {}


@pytest.mark.long
def test_killed_in_the_middle_every_face_compares_at_any_moment(town: Town) -> None:
    service, word = town.service, somebody()
    terminal = town.new(Role.TERMINAL)
    cards = [card_of(town, word) for _ in range(100)]
    program = [sys.executable, "-m", "tests.api.personal.dying_renewal"]
    address = service.database.url.render_as_string(hide_password=False)
    environment = {**os.environ, "DATA": address, "HOME_OF_KEYS": str(service.settings.home)}
    former, kills = current(service), 0
    while service.keys.of_records.read([former]):
        with subprocess.Popen(program, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            if kills < 3:
                for _ in range(2):
                    assert process.stdout.readline()
                    process.stdin.write(b"\n")
                    process.stdin.flush()
                # In its third batch, or behind it; not in a fourth one.
                process.send_signal(signal.SIGKILL)
                kills += 1
            else:
                process.communicate()
        for _, card in cards[::20]:
            assert verify(terminal, card, face=word)["decision"] == "PASS"
    assert kills == 3
    assert {stored(service, card_id)[1] for card_id, _ in cards} == {current(service)}

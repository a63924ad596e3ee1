"""Both clients against the service: what terminals, authorities, supervisors and watchers of the log do."""

import secrets
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from sqlalchemy import func, select

from api.client import (
    NEVER,
    Business,
    Captures,
    Card,
    Conflict,
    Finger,
    Invalid,
    NotAllowed,
    NotFound,
    Unreachable,
    read_signing_key,
)
from api.client.answers import Nonce
from api.client.clock import Clock
from api.client.operations import oversight
from api.institutions import principals
from api.institutions.roles import Role
from api.service import Service
from api.storage.tables import verifications
from tests.api.bodies import new_number
from tests.api.client.conftest import NewSide
from tests.api.client.sides import Cutting, Kind, Side, opened, transport
from tests.api.entries import new_key

FINGER = Finger("right_index", b"person:a", 500)


def new_card() -> Card:
    return Card(new_number(), "北京市公安局朝阳分局", date(2016, 3, 1), date(2036, 3, 1))


def shot(person: str = "person:a") -> Captures:
    """Scripted pictures, no two of which are the same."""
    return Captures(face=f"{person}#{secrets.token_hex(8)}".encode())


def take(_: Nonce) -> Captures:
    return shot()


def registered(authority: Side, **how: Any) -> tuple[UUID, Card]:
    card = new_card()
    return authority.register_card(card, **{"face": b"person:a", "fingers": [FINGER], **how}).id, card


@pytest.fixture
def lines(new_side: NewSide) -> list[str]:
    """The log's keys, as somebody pins them."""
    found: list[str] = new_side().pin()
    return found


def test_a_card_from_its_registration_to_its_loss(new_side: NewSide, lines: list[str]) -> None:
    """Every receipt is verified on the way: the keys are pinned."""
    authority, terminal = new_side(Role.AUTHORITY, log_keys=lines), new_side(log_keys=lines)
    card_id, card = registered(authority)

    passed = terminal.attend(card, take, purpose="account_opening", basis="separate_consent")
    assert (passed.decision, passed.document.status) == ("PASS", "valid")
    assert passed.consent.basis == "separate_consent"
    assert passed.words.advice.message.zh

    lost = authority.report_card(card_id, "reported_lost", reason="at the counter")
    assert (lost.card_id, lost.status) == (card_id, "card_reported_lost")
    refused = terminal.attend(card, take, purpose="account_opening")
    assert (refused.decision, refused.document.reasons) == ("REFUSE", ["card_reported_lost"])
    assert "证件已挂失" in refused.words.document.message.zh

    again = terminal.decision(passed.id)
    assert again == passed
    (found,) = authority.find_cards(card.number)
    assert (found.id, found.status) == (card_id, "card_reported_lost")
    known = authority.card(card_id)
    assert [event.event for event in known.events] == ["registered", "reported_lost"]
    assert "found" in known.possible


def test_a_card_in_anothers_place(new_side: NewSide) -> None:
    authority, terminal = new_side(Role.AUTHORITY), new_side()
    old_id, old = registered(authority)
    new = Card(old.number, old.issuer, date(2026, 3, 1), None)
    made = authority.register_card(new, face=b"person:a", supersedes=old_id, event="renewed")
    assert (made.superseded.card_id, made.superseded.superseded_by) == (old_id, made.id)
    assert terminal.attend(old, take, purpose="test").document.status == "card_reissued"
    assert terminal.attend(new, take, purpose="test").decision == "PASS"
    more = authority.add_fingerprints(made.id, [FINGER])
    assert [one.position for one in more.enrolled] == ["right_index"]
    with pytest.raises(Conflict):
        authority.add_face(made.id, b"person:a")


def test_the_register_is_asked(new_side: NewSide, lines: list[str]) -> None:
    authority, terminal = new_side(Role.AUTHORITY), new_side(log_keys=lines)
    _, card = registered(authority)
    answer = terminal.check(purpose="test", card=card)
    assert (answer.number, answer.card, answer.status) == ("consistent", "consistent", "valid")
    assert terminal.read_check(answer.id) == answer
    assert terminal.check(purpose="test", number=new_number()).number == "no_record"


def test_a_frame_is_judged(new_side: NewSide) -> None:
    terminal = new_side()
    assert terminal.guide(b"person:a").ready
    with pytest.raises(Invalid, match="image_not_an_image"):
        terminal.guide(b"image_not_an_image")


def test_an_answer_that_was_cut_off_is_asked_for_again_and_nothing_is_done_twice(
    new_side: NewSide, service: Service, app: FastAPI, kind: Kind
) -> None:
    """The service decided, the answer was lost twice: the same key, and one decision."""
    authority = new_side(Role.AUTHORITY)
    _, card = registered(authority)
    wire = Cutting(transport(kind, app), "/v1/verifications", 2)
    answer = new_side(over=wire).attend(card, take, purpose="cut")
    assert len(wire.seen) == 3
    assert len({one.headers["idempotency-key"] for one in wire.seen}) == 1
    with service.database.begin() as connection:
        me = connection.execute(select(verifications.c.terminal_id).where(verifications.c.id == answer.id)).scalar_one()
        count = select(func.count()).select_from(verifications).where(verifications.c.terminal_id == me)
        assert connection.execute(count).scalar_one() == 1


def test_a_loss_that_was_reported_and_not_heard_of_is_reported_once(
    new_side: NewSide, app: FastAPI, kind: Kind
) -> None:
    wire = Cutting(transport(kind, app), "/events", 3)
    authority = new_side(Role.AUTHORITY, over=wire)
    card_id, _ = registered(authority)
    lost = authority.report_card(card_id, "reported_lost")
    assert len(wire.seen) == 4
    events = authority.card(card_id).events
    assert [(one.event, one.id) for one in events][1:] == [("reported_lost", lost.id)]


def test_what_was_given_up_is_gone_on_with_under_its_key(new_side: NewSide, app: FastAPI, kind: Kind) -> None:
    """The terminal gave up; the service had decided. The same request later is answered with that decision."""
    _, card = registered(new_side(Role.AUTHORITY))
    wire = Cutting(transport(kind, app), "/v1/verifications", 1)
    terminal = new_side(over=wire, retrying=NEVER)
    nonce, captures = terminal.nonce(), shot()
    with pytest.raises(Unreachable) as caught:
        terminal.verify(card, captures, nonce=nonce, purpose="test")
    key = caught.value.idempotency_key
    answer = terminal.verify(card, captures, nonce=nonce, purpose="test", idempotency_key=key)
    assert answer.decision == "PASS"
    assert len({one.content for one in wire.seen}) == 1
    with pytest.raises(Conflict, match="idempotency_key_reused"):
        terminal.verify(card, shot(), nonce=nonce, purpose="test", idempotency_key=key)


@pytest.mark.parametrize("behind", [timedelta(hours=8), timedelta(days=-400)], ids=str)
def test_a_terminal_whose_clock_is_wrong_verifies(new_side: NewSide, behind: timedelta) -> None:
    _, card = registered(new_side(Role.AUTHORITY))

    def wall() -> datetime:
        return datetime.now(UTC) - behind

    def take_by_it(_: Nonce) -> Captures:
        return replace(shot(), taken_at=wall())

    assert new_side(clock=Clock(wall=wall)).attend(card, take_by_it, purpose="test").decision == "PASS"
    with pytest.raises(Invalid, match=r"capture_stale|capture_from_future"):
        new_side().attend(card, take_by_it, purpose="test")


def test_business_and_what_lacks_its_check(new_side: NewSide, lines: list[str]) -> None:
    house = secrets.token_hex(8)
    authority, terminal = new_side(Role.AUTHORITY), new_side(institution=house, log_keys=lines)
    supervisor = new_side(Role.SUPERVISOR, house)
    _, card = registered(authority)
    checked = terminal.attend(card, take, purpose="account_opening")
    now = datetime.now(UTC)
    kept = terminal.report_transaction(Business(secrets.token_hex(8), "account_opening", now, checked.id))
    assert (kept.omission, kept.verification_id) == (None, checked.id)
    bare = [Business(secrets.token_hex(8), "account_opening", now) for _ in range(2)]
    batch = terminal.report_transactions(bare)
    assert [one.omission for one in batch.items] == ["no_check", "no_check"]
    assert terminal.transaction(kept.id).reference is not None
    assert {one.id for one in supervisor.transactions(omissions=True)} == {one.id for one in batch.items}


def test_going_on_in_spite_of_a_refusal(new_side: NewSide, lines: list[str]) -> None:
    house = secrets.token_hex(8)
    terminal, operator = new_side(institution=house), new_side(Role.OPERATOR, house, log_keys=lines)
    supervisor = new_side(Role.SUPERVISOR, house, log_keys=lines)
    decided = terminal.attend(new_card(), take, purpose="test")
    assert decided.decision == "REVIEW"
    entered = operator.enter_override(decided.id, "compared_by_eye", "the colleague looked as well")
    assert (entered.state, entered.verification_id) == ("entered", decided.id)
    assert [one.id for one in supervisor.overrides(state="entered")] == [entered.id]
    assert supervisor.approve_override(entered.id).state == "approved"
    assert supervisor.override(entered.id).text == "the colleague looked as well"
    with pytest.raises(Conflict):
        supervisor.refuse_override(entered.id)


def test_known_impostors(new_side: NewSide, lines: list[str]) -> None:
    house = secrets.token_hex(8)
    first, second = (new_side(Role.AUTHORITY, house, log_keys=lines) for _ in range(2))
    # By the terminals' day, which may be tomorrow's in Shanghai.
    day = datetime.now(UTC).date() + timedelta(days=30)
    entered = first.propose_impostor(
        face=f"person:{secrets.token_hex(4)}".encode(),
        ground="card_of_another",
        case_reference="case 1",
        review_on=day,
        expires_on=day + timedelta(days=30),
    )
    assert entered.state == "proposed"
    assert second.approve_impostor(entered.id).state == "approved"
    assert second.review_impostor(entered.id, day + timedelta(days=1)).review_on == day + timedelta(days=1)
    # Every authority sees the whole list, and other tests enter people.
    assert entered.id in [one.id for one in first.impostors(state="approved")]
    assert first.impostor(entered.id).case_reference == "case 1"
    assert second.remove_impostor(entered.id, "acquitted").state == "removed"
    other = first.propose_impostor(
        face=f"person:{secrets.token_hex(4)}".encode(),
        ground="forged_card",
        case_reference="case 2",
        review_on=day,
        expires_on=day,
    )
    assert second.refuse_impostor(other.id, "a mistake").state == "refused"


def test_alerts_of_guessing_end_the_lock(new_side: NewSide, lines: list[str]) -> None:
    authority = new_side(Role.AUTHORITY, log_keys=lines)
    _, card = registered(authority)
    guesser = new_side()
    for _ in range(10):
        guesser.attend(card, lambda _: shot("person:b"), purpose="test")
    (raised,) = authority.alerts(open=True)
    assert (raised.kind, raised.details["failures"]) == ("card_guessing", 10)
    assert authority.alert(raised.id) == raised
    closed = authority.close_alert(raised.id, "the holder's twin")
    assert (closed.lock_released, closed.note) == (True, "the holder's twin")
    assert list(authority.alerts(open=True)) == []


def test_lists_are_read_to_their_end(new_side: NewSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.client.listing.PAGE_ITEMS", 2)
    house = secrets.token_hex(8)
    terminal, operator = new_side(institution=house), new_side(Role.OPERATOR, house)
    made = [terminal.attend(new_card(), take, purpose="test").id for _ in range(5)]
    assert [one.id for one in operator.decisions()] == made[::-1]
    assert [one.id for one in operator.decisions(decision="PASS")] == []


def test_the_feed_is_followed_by_its_cursor(new_side: NewSide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oversight, "FEED_EVENTS", 2)
    authority = new_side(Role.AUTHORITY)
    begun = authority.feed_page(0, 1).head
    ids = [registered(authority)[0] for _ in range(2)]
    for card_id in ids:
        authority.report_card(card_id, "reported_stolen")
    told = [one for one in authority.changes(begun) if one.card is not None and one.card.id in ids]
    assert [(one.card.id, one.event) for one in told if one.invalid] == [(one, "reported_stolen") for one in ids]
    assert [one.seq for one in told] == sorted(one.seq for one in told)


def test_the_log_grows_and_is_watched(new_side: NewSide, lines: list[str]) -> None:
    authority, regulator = new_side(Role.AUTHORITY), new_side(Role.REGULATOR, log_keys=lines)
    registered(authority)
    kept = regulator.checkpoint()
    card_id, _ = registered(authority)
    lost = authority.report_card(card_id, "reported_lost")
    evidence = regulator.prove(lost)
    assert evidence.leaf["card_id"] == str(card_id)
    assert evidence.place >= kept.size
    newer = regulator.grown_since(kept.note)
    assert newer.size > kept.size
    assert regulator.log_status().size >= newer.size
    (leaf,) = [one for one in regulator.leaves(evidence.place) if one.place == evidence.place]
    assert leaf.leaf == lost.receipt.leaf


def test_without_a_key_there_is_what_is_open_to_everybody(new_side: NewSide, kind: Kind, app: FastAPI) -> None:
    with opened(kind, None, over=transport(kind, app)) as anybody:
        assert anybody.pin() == [key.verifier_key for key in anybody.signing_keys()]
        assert anybody.request("GET", "/healthz") == {"status": "ok"}
        with pytest.raises(NotAllowed, match="key_missing"):
            anybody.me()


def test_refusals_come_with_the_services_words(new_side: NewSide) -> None:
    terminal = new_side()
    assert terminal.me().role == "terminal"
    with pytest.raises(NotAllowed) as caught:
        terminal.register_card(new_card(), face=b"person:a")
    assert caught.value.http == 403
    assert caught.value.message.zh
    with pytest.raises(NotFound):
        terminal.decision(uuid4())
    with pytest.raises(Invalid) as wrong:
        terminal.check(purpose="test", number="110105194912310021")
    assert (wrong.value.code, wrong.value.details[0].code) == ("number_check_digit", "number_check_digit")


def test_signed_requests(new_side: NewSide, service: Service, tmp_path: Any) -> None:
    """A key that has to sign; without a signature, or by another key, nothing is asked."""
    key = Ed25519PrivateKey.generate()
    file = tmp_path / "terminal.pem"
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(*pem))
    with service.database.begin() as connection:
        public = key.public_key().public_bytes_raw()
        made = principals.add(
            connection, service.keys, secrets.token_hex(8), "counter", Role.TERMINAL, public_key=public
        )
    with pytest.raises(NotAllowed, match="signature_missing"):
        new_side(key=made.key).nonce()
    signed = new_side(key=made.key, signing_key=read_signing_key(file))
    assert signed.attend(new_card(), take, purpose="test").decision == "REVIEW"
    with pytest.raises(NotAllowed, match="signature_invalid"):
        new_side(key=made.key, signing_key=Ed25519PrivateKey.generate()).nonce()


def test_an_operators_key_goes_along(new_side: NewSide, service: Service) -> None:
    house = secrets.token_hex(8)
    terminal = new_side(institution=house)
    operator = new_key(service.database, service.keys, Role.OPERATOR, house)
    decided = terminal.attend(new_card(), take, purpose="test", operator_key=operator)
    (listed,) = new_side(Role.SUPERVISOR, house).decisions()
    assert (listed.id, listed.operator_id is not None) == (decided.id, True)

"""The scenes of the demonstration, in order; each is one verification at the counter and what must come of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from api.demo.counter import Caller, Card, made_up_number
from api.demo.material import Material

TODAY = date(2020, 1, 1), date(2040, 1, 1)
OLD = date(2012, 5, 1), date(2032, 5, 1)
PAST = date(2003, 5, 1), date(2013, 5, 1)


@dataclass(frozen=True)
class Scene:
    """What is shown, what must be decided, and the service's answer."""

    title: str
    expected: str
    answer: dict[str, Any]

    @property
    def as_expected(self) -> bool:
        """Whether the decision is the one that the scene must lead to."""
        return bool(self.answer["decision"] == self.expected)


def play(material: Material, authority: Caller, counter: Caller, progress: Callable[[str], None]) -> Iterator[Scene]:
    """Register what each scene needs, show it at the counter, and give the scene with its answer."""
    holder, other, third, fourth = material.people[:4]

    progress("registering a card with face and fingerprint")
    card = Card(made_up_number(), *TODAY)
    card_id = authority.register(card, holder.reference, holder.finger_reference)
    yield Scene("holder, valid card", "PASS", counter.verify(card, holder.capture, holder.finger_capture))
    yield Scene("another person", "REFUSE", counter.verify(card, other.capture, other.finger_capture))

    progress("reporting the card lost")
    authority.report(card_id, "reported_lost")
    lost = counter.verify(card, holder.capture, holder.finger_capture)
    yield Scene("card lost just now", "REFUSE", lost)

    progress("re-issuing a card")
    old = Card(made_up_number(), *OLD)
    old_id = authority.register(old, other.reference, other.finger_reference)
    new = Card(old.number, *TODAY)
    new_id = authority.register(new, other.reference, other.finger_reference)
    authority.report(old_id, "reissued", superseded_by=new_id)
    replaced = counter.verify(old, other.capture, other.finger_capture)
    yield Scene("old card, re-issued", "REFUSE", replaced)
    yield Scene("the new card", "PASS", counter.verify(new, other.capture, other.finger_capture))
    yield Scene("picture with no face", "REVIEW", counter.verify(new, material.no_face, other.finger_capture))
    at_kiosk = counter.verify(new, other.capture, other.finger_capture, channel="kiosk")
    yield Scene("unattended kiosk", "REVIEW", at_kiosk)

    progress("registering a card without fingerprints")
    faces_only = Card(made_up_number(), *TODAY)
    authority.register(faces_only, third.reference, None)
    yield Scene("card without prints", "PASS", counter.verify(faces_only, third.capture))
    expired = Card(made_up_number(), *PAST)
    authority.register(expired, third.reference, None)
    yield Scene("expired card", "REFUSE", counter.verify(expired, third.capture))

    unknown = Card(made_up_number(), *TODAY)
    at_counter = counter.verify(unknown, fourth.capture, chip_photo=fourth.reference)
    yield Scene("unknown card", "REVIEW", at_counter)

"""The cards in play: the hot pile stays full, and no two cards are the same instance."""

import random

from tests.faults.replicas.deck import COLD, HOT, Card, Deck


def test_replaced_cards_have_successors_with_their_number_and_a_later_day() -> None:
    deck, drawn = Deck(), random.Random(1)
    instances: list[tuple[str, str]] = []
    for number in range(3000):
        chosen = deck.to_report(drawn)
        if isinstance(chosen, dict):
            instances.append((chosen["number"], chosen["valid_from"]))
            deck.registered(chosen, f"card {number}")
        else:
            card, event = chosen
            deck.told(card, {"reissued": "card_reissued", "cancelled": "card_cancelled"}.get(event, card.believed))
    assert len(set(instances)) == len(instances) > 300
    assert len({number for number, _ in instances}) < 0.8 * len(instances)
    assert all(day < "2026" for _, day in instances)
    assert HOT - 1 <= len(deck.ids) - COLD <= HOT


def test_what_was_found_in_the_database_is_believed() -> None:
    deck = Deck()
    for name in ("a", "b"):
        deck.registered({"number": name}, name)
    deck.learn({"a": "card_reported_lost", "b": "card_cancelled", "unknown": "valid"})
    assert deck.as_json() == {
        "hot": [{"shown": {"number": "a"}, "id": "a", "believed": "card_reported_lost", "succeeded": False}],
        "cold": [{"shown": {"number": "b"}, "id": "b", "believed": "card_cancelled", "succeeded": False}],
    }
    assert Deck.from_json(deck.as_json()).as_json() == deck.as_json()
    shown = deck.to_verify(random.Random(1))
    assert isinstance(shown, Card)

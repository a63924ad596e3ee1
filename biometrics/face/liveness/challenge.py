"""What a person is asked to do before the camera, drawn anew for each capture."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

import numpy as np

from . import parameters


class Action(StrEnum):
    """One movement; left and right are the person's own."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    NOD = "nod"
    COME_NEARER = "come_nearer"


# The turns first. Of an enumeration every name is looked up, and every walk is one over its names.
_ACTIONS = tuple(Action)

WORDS = {
    Action.TURN_LEFT: ("请向左转头", "Please turn your head to the left"),
    Action.TURN_RIGHT: ("请向右转头", "Please turn your head to the right"),
    Action.NOD: ("请点头", "Please nod"),
    Action.COME_NEARER: ("请靠近一些", "Please come nearer"),
}
"""What to show, in Chinese and English."""


@dataclass(frozen=True)
class Challenge:
    """Actions in their order, each to be begun when the terminal shows it and ended with the head straight again.

    `starts_s`: when each is shown, in seconds from the first frame; the last number is the end.
    """

    actions: tuple[Action, ...]
    starts_s: tuple[float, ...]


def draw(nonce: str) -> Challenge:
    """The challenge that belongs to a capture's nonce: always a turn among the actions, since only that shows depth.

    Whoever does not know the nonce beforehand has to guess one of 24 orders, and pauses of 20 lengths. The service
    makes the nonce, good once, and derives the challenge again when the burst comes.
    """
    seed = int.from_bytes(hashlib.sha256(f"liveness challenge {nonce}".encode()).digest()[:8], "big")
    random = np.random.default_rng(seed)
    turn = _ACTIONS[int(random.integers(2))]
    others = [action for action in _ACTIONS if action is not turn]
    chosen = [turn, *(others[i] for i in random.permutation(len(others)).tolist()[: parameters.ACTIONS - 1])]
    order = tuple(chosen[i] for i in random.permutation(len(chosen)).tolist())
    pauses = [
        parameters.ACTION_S + parameters.PAUSE_STEP_S * step for step in random.integers(0, 20, len(order)).tolist()
    ]
    starts = [parameters.LEAD_S + gone for gone in accumulate(pauses, initial=0.0)]
    return Challenge(order, tuple(round(start, 3) for start in starts))

"""What a check found."""

from dataclasses import dataclass, field

MOST_FINDINGS = 1000
MOST_NAMED = 10


@dataclass(frozen=True)
class Kept:
    """A checkpoint that was kept outside of the service: what it is called, and its signed note."""

    name: str
    note: str


@dataclass
class Report:
    """What was checked, and what is damaged: sound while `damages` is 0. Findings name places, never contents.

    `removed` acts tell of no person any more: their time is over, and the runs that removed it told so.
    `late` leaves got their place after the promised time; `not_at_hand` are archived and their file was not read:
    neither is damage of itself (a file that is missing in the folder that was given is).
    """

    leaves: int = 0
    waiting: int = 0
    tiles: int = 0
    checkpoints: int = 0
    kept: int = 0
    acts: int = 0
    removed: int = 0
    archived: int = 0
    not_at_hand: int = 0
    late: int = 0
    damages: int = 0
    findings: list[str] = field(default_factory=list)

    def add(self, finding: str) -> None:
        """Note a damage; the first thousand are kept, all are counted."""
        self.damages += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged."""
        return self.damages == 0


def named(identifiers: list[object], count: int) -> str:
    """Some identifiers, and how many more there are."""
    told = ", ".join(str(one) for one in identifiers[:MOST_NAMED])
    return told if count <= MOST_NAMED else f"{told} and {count - MOST_NAMED} more"

"""How each page is walked: what the reader has at hand, what runs until it is stopped, what answers in the negative.

Every command of a page is executed, but those in `NOT_EXECUTED`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.docs import preparing
from tests.docs.site import Site


@dataclass(frozen=True)
class Walk:
    """The commands of one page, in their order, in one shell.

    `replaced` are texts that stand for something of the reader's; `serves` begins commands that are a service, which is
    started and awaited; `endless` ones that run until they are stopped; `codes` the exit codes that a command may end
    with where that is not 0; `between` what the reader does before a command. The keys are beginnings of commands.
    `check` is given what was printed.
    """

    prepare: Callable[[Site], None]
    own: bool = False
    replaced: dict[str, str] = field(default_factory=dict)
    serves: tuple[str, ...] = ()
    endless: tuple[str, ...] = ()
    codes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    between: dict[str, str] = field(default_factory=dict)
    check: Callable[[Site, str], None] = lambda _, __: None


# `make` may not install anything while it is tested: the environment is the one that the tests run in.
MAKE = {"make ": "make -o .venv/installed "}
_SERVE = "RENZHENG_HOME=$PWD/.renzheng RENZHENG_TYPED_CARDS=true make serve"
_REFUSED = "RENZHENG_KEY=$COUNTER renzheng verify --card card.json --face another_face.jpg"

WALKS = {
    "README.md": Walk(preparing.readme, own=True, replaced=MAKE, serves=("make serve",), check=preparing.readme_held),
    "deploy/verifier/README.md": Walk(preparing.audit, check=preparing.leaves_came),
    "docs/CONTRIBUTING.md": Walk(
        preparing.nothing,
        replaced={"ruff check .": "ruff check api/cli", "ruff format --check .": "ruff format --check api/cli"},
    ),
    "docs/cards.md": Walk(preparing.files_of_cards),
    "docs/duplicates.md": Walk(preparing.register_of_two),
    "docs/evaluation.md": Walk(
        preparing.evaluation,
        between={"renzheng evaluate --scores scores.csv": "cp drawn.csv scores.csv; rm -f scores.csv.json"},
    ),
    "docs/evidence.md": Walk(preparing.kept_checkpoints),
    "docs/faces.md": Walk(preparing.folder_of_pictures),
    "docs/feed.md": Walk(preparing.follower, endless=("curl -sN",)),
    "docs/fingers.md": Walk(preparing.prints),
    "docs/institutions.md": Walk(
        preparing.nothing, own=True, between={"RENZHENG_SIGNING_KEY=": preparing.REGISTER_LIVE}
    ),
    "docs/mosip.md": Walk(
        preparing.another_port,
        replaced={"--port 9099": "--port $BIOSDK_PORT", "127.0.0.1:9099": "127.0.0.1:$BIOSDK_PORT"},
        serves=("renzheng biosdk",),
        check=preparing.mosip_was_answered,
    ),
    "docs/offline.md": Walk(
        preparing.follower,
        endless=("renzheng-terminal follow",),
        # One good card in 2,048 is in the filter by chance.
        codes={'echo "$NUMBER" | renzheng-terminal check': (0, 1)},
    ),
    "docs/operations.md": Walk(preparing.nothing),
    "docs/pages.md": Walk(
        preparing.prints,
        own=True,
        replaced={**MAKE, "renzheng reader-simulator": "renzheng reader-simulator --port 0"},
        serves=("RENZHENG_TYPED_CARDS=true make serve",),
    ),
    "docs/personal-data.md": Walk(preparing.first_master_key, own=True, replaced={"20261122T150000.000000Z": "*"}),
    "docs/quickstart.zh.md": Walk(
        preparing.nothing,
        own=True,
        replaced=MAKE,
        serves=(_SERVE,),
        codes={_REFUSED: (1,)},
    ),
    "docs/reader-bridge.md": Walk(
        preparing.prints,
        replaced={"renzheng reader-simulator": "renzheng reader-simulator --port 0", '"1 r pulled"': '"1 r"'},
    ),
    "docs/retention.md": Walk(preparing.nothing),
    "docs/screening.md": Walk(
        preparing.two_people,
        replaced={
            "2027-05-22": "$(date -d '+180 days' +%F)",
            "2028-11-22": "$(date -d '+700 days' +%F)",
        },
    ),
    "docs/tour.md": Walk(
        preparing.nothing,
        own=True,
        replaced=MAKE,
        serves=(_SERVE,),
        codes={_REFUSED: (1,)},
        check=preparing.toured,
    ),
}

_RESTORE = (
    "needs a PostgreSQL of one's own and a machine that is lost: tests/api/operations/test_restore.py backs up, deletes"
    " and restores a site in these steps, with the programs of the embedded PostgreSQL"
)
_ONCE = "the walk through README.md executes it"
# (page, beginning of the command): why no test executes it. `test_commands.py` still reads every program's options.
NOT_EXECUTED = {
    ("docs/CONTRIBUTING.md", "make demo"): _ONCE,
    ("docs/quickstart.zh.md", "make demo"): _ONCE,
    ("README.md", "make test"): "runs this test",
    ("deploy/README.md", "RENZHENG_DATABASE_URL=postgresql://renzheng:PASSWORD@db.internal"): (
        "needs another machine's PostgreSQL with TLS; tests/api/test_replicas.py runs services on one server by its URL"
    ),
    ("docs/client.md", "pip install ./api/client"): (
        "would change the environment of the tests: tests/api/client/test_alone.py installs it into one of its own"
    ),
    ("docs/client.md", "pip install '.[client]'"): (
        "would change the environment of the tests; test_commands.py holds the extra's name against pyproject.toml"
    ),
    ("docs/operations.md", "pg_dump "): _RESTORE,
    ("docs/operations.md", "renzheng keys backup"): _RESTORE,
    ("docs/operations.md", 'cp -a "$RENZHENG_HOME/keys"'): _RESTORE,
    ("docs/operations.md", "cp -a /safe/keys"): _RESTORE,
    ("docs/operations.md", "createdb renzheng && pg_restore"): _RESTORE,
    ("docs/operations.md", "renzheng keys restore"): _RESTORE,
    ("docs/operations.md", "renzheng fsck --checkpoint"): _RESTORE,
    ("docs/operations.md", "renzheng doctor && renzheng serve"): _RESTORE,
}


def reason_not_to(page: str, command: str) -> str | None:
    """Why a command is not executed; None where it is."""
    return next(
        (why for (where, start), why in NOT_EXECUTED.items() if where == page and command.startswith(start)), None
    )

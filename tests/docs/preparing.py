"""What comes before a page's first command, and what has to be so after its last."""

import base64
import json
import socket

from tests.docs import reader
from tests.docs.pages import blocks
from tests.docs.site import Site

REGISTER_LIVE = (
    "AUTHORITY=$(renzheng terminals add 发证机关 desk --role authority);"
    " RENZHENG_KEY=$AUTHORITY renzheng cards register --card card.json --face face.jpg"
)


def nothing(site: Site) -> None:
    """Pictures and a card in files."""
    reader.pictures(site)


prints = nothing


def another_port(site: Site) -> None:
    """And a port that nobody listens on."""
    reader.pictures(site)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        site.variables["BIOSDK_PORT"] = str(probe.getsockname()[1])


def mosip_was_answered(site: Site, _: str) -> None:
    """As the page shows it, and with templates that are none of the pictures."""
    (shown,) = (json.loads(block.text) for block in blocks("docs/mosip.md") if block.language == "json")
    (found,) = json.loads((site.folder / "answer.json").read_text())["response"]["response"]
    decisions = {kind: {name: one[name] for name in ("match", "errors")} for kind, one in found["decisions"].items()}
    assert {"galleryIndex": found["galleryIndex"], "decisions": decisions} == shown
    made = json.loads((site.folder / "templates.json").read_text())["response"]
    assert made["statusCode"] == 200
    data = [base64.b64decode(one["bdb"]) for one in made["response"]["segments"]]
    assert [one[:4] for one in data] == [b"FMR\0", b"RZFT"]


def readme(site: Site) -> None:
    """And labelled data."""
    reader.pictures(site)
    reader.labelled(site)


def readme_held(site: Site, printed: str) -> None:
    """The demonstration printed the table that the page shows, and the holder passed."""
    (shown,) = (block.text for block in blocks("README.md") if block.language == "text")
    missing = [line for line in shown.splitlines() if line.strip() not in printed]
    assert not missing
    answer = json.loads((site.folder / "answer.json").read_text(encoding="utf-8"))
    assert answer["decision"] == "PASS"
    assert answer["document"]["status"] == "valid"
    assert {one["modality"] for one in answer["person"]["modalities"]} >= {"face"}


def toured(site: Site, _: str) -> None:
    """The decision that was kept is one on the lost card."""
    answer = json.loads((site.folder / "answer.json").read_text(encoding="utf-8"))
    assert answer["decision"] == "REFUSE"
    assert answer["document"]["status"] == "card_reported_lost"


def audit(site: Site) -> None:
    """A regulator, some leaves, and Friday's checkpoint."""
    reader.registered(site)
    site.variables["KEY"] = reader.key(site, "regulator")
    site.out_of(f"curl -sf {site.url}/v1/evidence/checkpoint > FRIDAY.note")


def leaves_came(site: Site, _: str) -> None:
    """As many as the checkpoint says, and the independent verifier finds the root in them."""
    told = site.out_of('python deploy/verifier/verify.py log leaves.jsonl FRIDAY.note --log "$(cat log.key)"')
    assert told


def files_of_cards(site: Site) -> None:
    """A file of two cards, and an authority's key in a file."""
    rows = ["number,issuer,valid_from,valid_to"]
    rows += ["110105194912310038,北京市公安局,2016-03-01,2036-03-01", "110105194912310054,北京市公安局,2020-01-01,长期"]
    (site.folder / "cards.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (site.folder / "authority.key").write_text(reader.key(site, "authority") + "\n", encoding="ascii")


def register_of_two(site: Site) -> None:
    """One person under two numbers."""
    reader.pictures(site)
    site.variables["AUTHORITY"] = reader.key(site, "authority")
    for number, face in (("110105194912310011", "face.jpg"), ("11010519491231002X", "live_face.jpg")):
        days = "--issuer 北京市公安局 --valid-from 2018-05-01 --valid-to 2038-05-01"
        site.out_of(f"RENZHENG_KEY=$AUTHORITY renzheng cards register --number {number} {days} --face {face}")


def evaluation(site: Site) -> None:
    """Score files, labelled pictures, groups, qualities, and a folder of matrices."""
    reader.labelled(site)
    reader.registered(site)
    site.variables["EVALUATOR"] = reader.key(site, "evaluator")
    site.variables["TERMINAL"] = reader.key(site, "terminal")
    site.out_of("RENZHENG_KEY=$TERMINAL renzheng verify --card card.json --face live.jpg")
    reader.scores(site, "ours.csv", "sourceafis.csv", "nbis.csv", "drawn.csv")
    people = [f"f{number}" for number in range(40)]
    groups = ["subject,scanner", *(f"{one},{'ab'[number % 2]}" for number, one in enumerate(people))]
    (site.folder / "groups.csv").write_text("\n".join(groups) + "\n", encoding="utf-8")
    samples = [f"{one}_{number}" for one in people for number in range(4)]
    qualities = ["sample,quality", *(f"{one},{number % 97}" for number, one in enumerate(samples))]
    (site.folder / "quality.csv").write_text("\n".join(qualities) + "\n", encoding="utf-8")
    pairs = ["reference,probe,mated"]
    pairs += [f"p{one}/1.jpg,p{other}/2.jpg,{int(one == other)}" for one in range(1, 5) for other in range(1, 5)]
    (site.folder / "pairs.csv").write_text("\n".join(pairs) + "\n", encoding="utf-8")
    site.out_of(f"mkdir -p matrices && python - <<'E'\n{MATRICES}\nE\ncp matrices/* DIR/")


MATRICES = """
import numpy as np
for seed, name in enumerate(("one", "two")):
    drawn = np.random.default_rng(seed)
    table = drawn.normal(0, 1, (60, 60)) + 4 * np.eye(60) + 5
    names = [f"p{number:03d}" for number in range(60)]
    lines = ["subject," + ",".join(names)]
    lines += [f"{one}," + ",".join(f"{value:.4f}" for value in row) for one, row in zip(names, table)]
    open(f"matrices/{name}.csv", "w").write("\\n".join(lines) + "\\n")
"""


def kept_checkpoints(site: Site) -> None:
    """Two days' checkpoints, and the folder of the archive."""
    site.out_of("mkdir -p kept archive/renzheng")
    for day in ("2026-11-21", "2026-11-22"):
        reader.registered(site) if day.endswith("21") else reader.key(site, "terminal")
        site.out_of(f"curl -sf {site.url}/v1/evidence/checkpoint > kept/{day}.note")


def folder_of_pictures(site: Site) -> None:
    """A picture of the card that is registered, called by the card."""
    card = reader.registered(site)
    site.variables["RENZHENG_KEY"] = site.variables["AUTHORITY"]
    site.out_of(f"mkdir -p pictures && cp live_face.jpg pictures/{card}.jpg")


def follower(site: Site) -> None:
    """A terminal's key, as a variable and as a file, and a number to ask for."""
    site.variables["TERMINAL"] = reader.key(site, "terminal")
    site.variables["NUMBER"] = "11010519491231002X"
    (site.folder / "terminal.key").write_text(site.variables["TERMINAL"] + "\n", encoding="ascii")


def first_master_key(site: Site) -> None:
    """Templates under the first master key, whose name is `$OLD`."""
    reader.registered(site)
    told = site.out_of("renzheng keys status")
    site.variables["OLD"] = next(line for line in told.splitlines() if "wraps new keys" in line).split(":")[0].strip()


def two_people(site: Site) -> None:
    """Two supervisors of one institution."""
    reader.pictures(site)
    for name in ("ONE", "ANOTHER"):
        site.variables[name] = reader.key(site, "supervisor")

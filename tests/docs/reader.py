"""What a reader of a page has at hand before its first command: pictures of nobody they know, files, keys."""

import json
import random
from functools import cache

import numpy as np

from api.demo.material import Person, gather
from api.demo.shots import another_shot
from models import home
from tests.api.bodies import new_card
from tests.docs.site import Site


@cache
def people() -> list[Person]:
    """The demonstration's: faces of the group photograph, generated fingers."""
    return gather(None, home(), lambda _: None).people


def pictures(site: Site) -> None:
    """Two pictures of one face and of one finger, and a folder of labelled ones."""
    first = people()[0]
    live = another_shot(first.capture)  # no pixels are taken twice, in whichever page
    for name, content in {
        "face.jpg": first.reference,
        "live_face.jpg": live,
        "live.jpg": another_shot(first.capture),
        "another_face.jpg": another_shot(first.capture),
        "a_fourth_picture.jpg": another_shot(first.capture),
        "me.jpg": first.reference,
        "finger.png": first.finger_reference,
        "live_finger.png": first.finger_capture,
        "A": first.finger_reference,
        "B": first.finger_capture,
        "first.png": first.finger_reference,
        "second.png": first.finger_capture,
        "caught.jpg": people()[1].reference,
        "card.json": json.dumps(new_card(), ensure_ascii=False).encode(),
    }.items():
        (site.folder / name).write_bytes(content)


def labelled(site: Site) -> None:
    """Four people with two pictures each, four fingers with two impressions each, as folders."""
    for number, person in enumerate(people()[:4], 1):
        for top in ("faces", "DIR/faces/lfw"):
            folder = site.folder / top / f"p{number}"
            folder.mkdir(parents=True)
            (folder / "1.jpg").write_bytes(person.reference)
            (folder / "2.jpg").write_bytes(person.capture)
        for top in ("prints", "DIR/fingerprints/set"):
            folder = site.folder / top
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number}_1.png").write_bytes(person.finger_reference)
            (folder / f"{number}_2.png").write_bytes(person.finger_capture)


def key(site: Site, role: str, institution: str = "示范机构") -> str:
    """The key of a new terminal or person."""
    kind = "terminals" if role in {"terminal", "authority"} else "people"
    name = f"{role} {random.getrandbits(40):x}"
    return site.out_of(f"renzheng {kind} add {institution} '{name}' --role {role}")


def registered(site: Site) -> str:
    """The card of `face.jpg`, registered by an authority whose key is `$AUTHORITY` afterwards; gives its identifier."""
    pictures(site)
    site.variables["AUTHORITY"] = key(site, "authority")
    return site.out_of("RENZHENG_KEY=$AUTHORITY renzheng cards register --card card.json --face face.jpg")


def scores(site: Site, *names: str) -> None:
    """Files of scores: 40 fingers with four impressions, mated N(3, 1), others N(0, 1)."""
    for seed, name in enumerate(names):
        drawn = np.random.default_rng(seed)
        samples = [(finger, f"f{finger}_{impression}") for finger in range(40) for impression in range(4)]
        rows = ["reference,probe,mated,score"]
        for place, (finger, reference) in enumerate(samples):
            for other, probe in samples[place + 1 :]:
                score = drawn.normal(3.0 if finger == other else 0.0)
                rows.append(f"{reference},{probe},{int(finger == other)},{score:.6f}")
        (site.folder / name).write_text("\n".join(rows) + "\n", encoding="utf-8")

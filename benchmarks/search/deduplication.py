"""A whole register searched against itself: how long it takes, which duplicates it finds, what it finds that is none.

The register is made up (`duplicate_register`), the search that of `biometrics.duplicates`. With `state` the register
and each job's result are kept, and a run that was broken off goes on. Where only some of the jobs were done, figures
are of the pairs of records that these compare, a random part of all.

* `recall/...`: share of planted duplicates that are found as suspected to be one person, as their case then says: faces
  and fingers together are enough, or the faces alone are and the fingers say neither. `fingers` where both records have
  fingers (`of SET`: by where these come from), `faces only` where one has none. Of those missed, `missed/floor`: the
  faces were too unlike for the fingers to be looked at, `missed/sketch`: the sketch did not bring them up,
  `missed/rule`: all was compared, and was not enough.
* `false_per_1000_records`: pairs so suspected of whom nothing was planted. `one_person`, `told_apart` of `twins` and
  `kin`: share of these pairs that are so suspected, and that are found as alike faces with different fingers.
* `build`: sketches, rounding and writing; drawing the register is no part of it. `search`: jobs until their suspects,
  `confirm`: the accurate comparison, drawing the templates that it fetches included. `clock_s` by the clock, `cpu_s` of
  all threads, but not of Ray's workers. `suspects`: pairs that were compared accurately.
* `alone_in_case`: share of the found duplicates whose case holds just the two records.

Intervals: 95 %, Wilson; of none by the rule of 3.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from api.duplicates.engines import opener
from api.duplicates.words import EngineName
from benchmarks.common.progress import track
from benchmarks.common.report import FRACTION, Result, print_table, write_json
from benchmarks.search.duplicate_register import MadeRegister, Planted, made
from biometrics.duplicates import (
    Engine,
    Entries,
    Finding,
    FingerEvidence,
    Kind,
    Register,
    RegisterError,
    Rule,
    clusters,
    confirm,
)
from biometrics.duplicates.search import job_of
from biometrics.scoring import Calibration
from biometrics.scoring.support import share_interval

FACE, FINGER = "sface-2", "leader-edges-2"
TIMES = ("clock_s", "cpu_s")
SUSPECTED = frozenset({Kind.SAME_PERSON, Kind.FACE_ALIKE_FINGERS_UNCLEAR})
"""What is filed as a case of one person with two identities."""
APART = frozenset({Kind.FACE_ALIKE_FINGERS_DIFFER})


@dataclass(frozen=True)
class Job:
    """What a job came to: clock and CPU seconds of `search` and `confirm`, how many suspects, the findings."""

    number: int
    search: tuple[float, float]
    confirm: tuple[float, float]
    suspects: tuple[tuple[int, int], ...]
    compared: int
    findings: tuple[Finding, ...]


def run(
    records: int,
    planted: int,
    threads: int,
    seed: int,
    vectors: Path | None,
    fingers: Path | None,
    cache: Path | None,
    state: Path | None,
    jobs: int | None,
    engine: EngineName,
    json_path: Path | None,
) -> list[Result]:
    """Search a register of so many `records`; see the module's text. With `jobs` only so many jobs, for their time."""
    world = made(records, planted, seed, vectors, fingers, cache)
    rule = Rule(records, Calibration.load(FACE), Calibration.load(FINGER))
    with ExitStack() as stack:
        folder = state or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        register, built = opened(world, folder, threads)
        # What each engine did is kept apart: times are compared.
        kept = folder / ("jobs.jsonl" if engine is EngineName.LOCAL else f"jobs-{engine}.jsonl")
        done = searched(world, opener(engine, threads)(register, rule), register, rule, kept, threads, jobs)
        results = [*times(register, built, done, rule), *found(world, rule, register, done)]
    print_table(results, title=f"{records:,} records against each other")
    if json_path:
        write_json(json_path, "deduplication", results)
    return results


def opened(world: MadeRegister, folder: Path, threads: int) -> tuple[Register, dict[str, float]]:
    """The register in `folder`, built where it is not there, and what building took."""
    facts = folder / "build.json"
    try:
        return Register.open(folder / "register"), json.loads(facts.read_text(encoding="utf-8"))
    except (RegisterError, FileNotFoundError):
        pass
    drawing = [0.0, 0.0]

    def entries() -> Iterator[Entries]:
        before = _now()
        for block in track(world.entries(), "Register"):
            drawing[:] = (one + after - start for one, after, start in zip(drawing, _now(), before, strict=True))
            yield block
            before = _now()

    start = _now()
    register = Register.build(folder / "register", FACE, entries(), threads=threads)
    took = [after - before - drawn for after, before, drawn in zip(_now(), start, drawing, strict=True)]
    built = dict(zip(TIMES, took, strict=True))
    facts.write_text(json.dumps(built) + "\n", encoding="utf-8")
    return register, built


def searched(
    world: MadeRegister, engine: Engine, register: Register, rule: Rule, kept: Path, threads: int, most: int | None
) -> list[Job]:
    """The jobs that `kept` has, and those that are still to do, each kept as it ends."""
    done = [_job(line) for line in kept.read_text(encoding="utf-8").splitlines()] if kept.is_file() else []
    left = [number for number in range(register.jobs) if number not in {one.number for one in done}][:most]
    planted = {(one.first, one.second) for one in world.planted}
    before = _now()
    for number, suspects in track(engine.run(left), "Jobs", total=len(left)):
        between = _now()
        findings = confirm(register, suspects, rule, world.fetch, threads=threads)
        after = _now()
        pairs = zip(register.keys[suspects.low].tolist(), register.keys[suspects.high].tolist(), strict=True)
        mine = tuple(pair for pair in pairs if pair in planted)
        job = Job(number, _apart(before, between), _apart(between, after), mine, len(suspects), tuple(findings))
        done.append(job)
        with kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(job)) + "\n")
        before = _now()
    return done


def times(register: Register, built: dict[str, float], jobs: Sequence[Job], rule: Rule) -> list[Result]:
    """What it took, with `jobs` fewer than all of just these."""
    count, results = len(register), []
    for place, metric in enumerate(TIMES):
        parts = {
            "build": built[metric],
            "search": sum(job.search[place] for job in jobs),
            "confirm": sum(job.confirm[place] for job in jobs),
        }
        results += [_one(name, metric, value, "s", count) for name, value in parts.items()]
        results.append(_one("all", metric, sum(parts.values()), "s", count))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return [
        *results,
        _one("search", "jobs", len(jobs), "", register.jobs),
        _one("search", "suspects", sum(job.compared for job in jobs), "pairs", count),
        _one("search", "floor_of_two_fingers", rule.floor(2), "cosine", count),
        _one("register", "bytes", register.nbytes, "bytes", count),
        _one("process", "peak_bytes", memory, "bytes", count),
    ]


def found(world: MadeRegister, rule: Rule, register: Register, jobs: Sequence[Job]) -> list[Result]:
    """Recall, false findings, twins and kin, cases: of the pairs that the jobs compare, which is all at the end."""
    done = {job.number for job in jobs}
    world = replace(world, planted=tuple(one for one in world.planted if _job_of(register, one) in done))
    findings = [one for job in jobs for one in job.findings]
    kinds = {(one.low, one.high): one.kind for one in findings}
    suspected = {pair for job in jobs for pair in job.suspects}
    duplicates = [one for one in world.planted if one.group in {"planted", "faces_only"}]
    with_fingers = [one for one in duplicates if one.group == "planted"]
    groups = {
        "recall/fingers": with_fingers,
        "recall/faces only": [one for one in duplicates if one not in with_fingers],
    }
    for name in sorted({one.fingers for one in with_fingers}):
        groups[f"recall/fingers of {name}"] = [one for one in with_fingers if one.fingers == name]
    results = [_share(name, "recall", _those(of, kinds, SUSPECTED), of) for name, of in groups.items()]
    missed = [one for one in with_fingers if kinds.get(_pair(one)) not in SUSPECTED]
    low = [one for one in missed if _cosine(register, one) < rule.floor(2)]
    sketched = [one for one in missed if one not in low and _pair(one) not in suspected]
    rest = len(missed) - len(low) - len(sketched)
    for name, number in {"floor": len(low), "sketch": len(sketched), "rule": rest}.items():
        results.append(_share(f"missed/{name}", "share", number, with_fingers))
    for group in ("twins", "kin"):
        of = [one for one in world.planted if one.group == group]
        results.append(_share(group, "one_person", _those(of, kinds, SUSPECTED), of))
        results.append(_share(group, "told_apart", _those(of, kinds, APART), of))
    return [*results, *false_findings(world, findings, len(done) / register.jobs), *cases(duplicates, findings)]


def false_findings(world: MadeRegister, findings: Sequence[Finding], share: float) -> list[Result]:
    """Pairs suspected to be one person of whom nothing was planted; by what was compared, too.

    `share`: how much of all pairs was compared; what is found of it stands for all.
    """
    planted = {_pair(one) for one in world.planted}
    wrong = [one for one in findings if one.kind in SUSPECTED and (one.low, one.high) not in planted]
    results = []
    for name, count in {
        "false": len(wrong),
        "false/faces only": sum(not one.fingers for one in wrong),
        "false/fingers": sum(bool(one.fingers) for one in wrong),
    }.items():
        counted = round(world.size * share)
        low, high = (1_000 * bound for bound in share_interval(count, counted))
        results.append(Result(name, "false_per_1000_records", 1_000 * count / counted, low, high, "findings", counted))
    return results


def cases(duplicates: Sequence[Planted], findings: Sequence[Finding]) -> list[Result]:
    """How the found duplicates lie in cases."""
    made_of = {cluster.keys for cluster in clusters(findings) if cluster.kind in SUSPECTED}
    same = {(one.low, one.high) for one in findings if one.kind in SUSPECTED}
    there = [one for one in duplicates if _pair(one) in same]
    return [_share("cases", "alone_in_case", sum(_pair(one) in made_of for one in there), there)] if there else []


def _those(of: Sequence[Planted], kinds: dict[tuple[int, int], Kind], of_kinds: frozenset[Kind]) -> int:
    return sum(kinds.get(_pair(one)) in of_kinds for one in of)


def _pair(one: Planted) -> tuple[int, int]:
    return one.first, one.second


def _job_of(register: Register, one: Planted) -> int:
    # Keys are positions here.
    return job_of(register.jobs, *_pair(one))


def _cosine(register: Register, one: Planted) -> float:
    first, second = (register.halves[key].astype(float) for key in _pair(one))
    return float(first @ second)


def _share(name: str, metric: str, count: int, of: Sequence[Planted]) -> Result:
    low, high = share_interval(count, len(of))
    return Result(name, metric, count / len(of), low, high, FRACTION, len(of))


def _one(name: str, metric: str, value: float, unit: str, count: int) -> Result:
    return Result(name, metric, float(value), None, None, unit, count)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _apart(before: tuple[float, float], after: tuple[float, float]) -> tuple[float, float]:
    return after[0] - before[0], after[1] - before[1]


def _job(line: str) -> Job:
    told: dict[str, Any] = json.loads(line)
    findings = [
        Finding(**{**one, "kind": Kind(one["kind"]), "fingers": tuple(FingerEvidence(**of) for of in one["fingers"])})
        for one in told["findings"]
    ]
    suspects = tuple((low, high) for low, high in told["suspects"])
    return Job(
        told["number"], tuple(told["search"]), tuple(told["confirm"]), suspects, told["compared"], tuple(findings)
    )

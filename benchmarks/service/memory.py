"""What a worker's memory is made of, part by part, in a process of its own.

Each part is loaded after the one before it; its figures are what the process takes more. `libraries`: the interpreter
with numpy and onnxruntime; `service`: the API's own modules with theirs; `face` and `finger`: the engines with their
networks and machine code. `rss_mib`: pages in memory,
shared ones counted whole; `private_mib` (USS): pages that no other process has, which is what one worker more costs.
`templates` is what a hundred faces and fingers leave behind, on two threads, as the service's engines do: workspaces,
the allocator's arenas.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import typer

import models
from benchmarks.common.machine import ROOT
from benchmarks.common.report import Result, print_table, write_json

TEMPLATES = 100
THREADS = 2


@dataclass(frozen=True, slots=True)
class Held:
    """A process' memory, MiB."""

    rss: float
    private: float


def run(json_path: Path | None = None) -> None:
    """Measure in another process, print the table, write the JSON. Exit code 3 where the packs are missing."""
    program = [sys.executable, "-m", "benchmarks.service.memory", str(models.home())]
    ended = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if ended.returncode:
        typer.echo(ended.stderr[-2000:], err=True)
        raise typer.Exit(3)
    results = summarise(json.loads(ended.stdout.splitlines()[-1]))
    print_table(results, title="A worker's memory")
    if json_path is not None:
        write_json(json_path, "memory", results)


def summarise(readings: dict[str, list[float]]) -> list[Result]:
    """What each part takes more than those before it, and all of them; `readings` are (RSS, USS) in MiB after each."""
    results, before = [], [0.0, 0.0]
    for part, after in readings.items():
        more = zip(("rss_mib", "private_mib"), after, before, strict=True)
        results += [Result(part, metric, now - then, None, None, "MiB", 1) for metric, now, then in more]
        before = after
    totals = zip(("rss_mib", "private_mib"), before, strict=True)
    return results + [Result("all", metric, value, None, None, "MiB", 1) for metric, value in totals]


def held(pid: int | str = "self") -> Held:
    """What a process holds now, from the kernel's own sums over its pages."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    kib = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines)}
    return Held(kib["Rss"] / 1024, (kib["Private_Clean"] + kib["Private_Dirty"]) / 1024)


def _libraries() -> None:
    import numba  # noqa: F401
    import numpy  # noqa: F401
    import onnxruntime  # noqa: F401


def _service() -> None:
    import api.cli.main
    import api.http.app
    import api.matching.engines
    import api.service  # noqa: F401


def _measured(home: Path) -> dict[str, list[float]]:
    from api.demo.material import gather

    found = {}
    engines: list[object] = []

    def face() -> None:
        from biometrics.face import FaceEngine

        engine = FaceEngine.open(home)
        engine.warm_up()
        engines.append(engine)

    def finger() -> None:
        from biometrics.finger import FingerEngine

        engine = FingerEngine.open(home)
        engine.warm_up()
        engines.append(engine)

    def templates() -> None:
        people = gather(None, home, lambda _: None).people
        face_engine, finger_engine = engines
        with ThreadPoolExecutor(THREADS) as pool:
            made = [
                pool.submit(engine.extract, picture)  # type: ignore[attr-defined]
                for number in range(TEMPLATES)
                for engine, picture in (
                    (face_engine, people[number % len(people)].capture),
                    (finger_engine, people[number % len(people)].finger_capture),
                )
            ]
            for one in made:
                one.result()

    parts: dict[str, Callable[[], None]] = {
        "service": _service,
        "face": face,
        "finger": finger,
        "templates": templates,
    }
    now = held()
    found["libraries"] = [now.rss, now.private]
    for name, load in parts.items():
        load()
        now = held()
        found[name] = [now.rss, now.private]
    return found


if __name__ == "__main__":
    typer.echo(json.dumps(_measured(Path(sys.argv[1]))))

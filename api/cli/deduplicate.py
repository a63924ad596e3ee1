"""`renzheng deduplicate`: the register searched for persons with two identities, where the database is."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from api.cli import client
from api.cli.bulk import console, signed_in, status_line
from api.cli.failure import BROKEN_OFF, NEGATIVE, CommandFailed, explanation, fail, guarded, words_of
from api.cli.wording import count
from api.duplicates.parameters import FALSE_PER_1000
from api.duplicates.words import EngineName

if TYPE_CHECKING:
    from api.duplicates.engines import StoredTemplates
    from api.duplicates.searching import Outcome
    from api.duplicates.searching import Progress as Step
    from api.settings import Settings

_STAGES = {"reading": "读取 reading", "searching": "比对 comparing"}
_AGAIN = "已完成的部分不会丢失；再次执行同一命令即继续。\nWhat is done stays done: the same command goes on from there."


def _case(given: str) -> str:
    from api.screening import cases

    reference = given.strip()
    if not 1 <= len(reference) <= 64 or not cases.sound(reference):
        raise typer.BadParameter(words_of("case_reference_invalid"))
    return reference


def _purpose(given: str) -> str:
    from pydantic import TypeAdapter, ValidationError

    from api.http.fields import Purpose

    try:
        found: str = TypeAdapter(Purpose).validate_python(given)
    except ValidationError as error:
        raise typer.BadParameter(words_of("purpose_invalid")) from error
    return found


@guarded
def deduplicate(
    case_reference: Annotated[
        str,
        typer.Option(
            "--case-reference",
            callback=_case,
            metavar="REFERENCE",
            help="The case or order for which everybody is compared with everybody: a number of your files, no names.",
        ),
    ],
    purpose: Annotated[
        str, typer.Option("--purpose", callback=_purpose, metavar="CODE", help="Why; a code, kept in the evidence.")
    ] = "register_cleaning",
    false_per_1000: Annotated[
        float,
        typer.Option(
            "--false-per-1000",
            min=0.001,
            max=100.0,
            help="False findings aimed at, for each 1,000 people: fewer miss more.",
        ),
    ] = FALSE_PER_1000,
    engine: Annotated[
        EngineName, typer.Option("--engine", help="What compares: local, the cores of this machine; ray, a cluster.")
    ] = (EngineName.LOCAL),
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            metavar="ADDRESS",
            help="With ray, the cluster: ray://HOST:10001, HOST:6379 or auto. Default: one that is started here.",
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Cores that work. Default: all that there are.")
    ] = None,
    key_file: client.KeyFile = None,
) -> None:
    """Compare everybody in the register with everybody, and make cases of those who may be one person.

    For an authority whose key is given. Faces are compared, and fingers of those whose faces are alike. Nobody is
    merged and no card changes: people decide the cases (`renzheng duplicates`). A search that was broken off goes on
    when the same command is given again. Ends with 1 where somebody could not be compared.
    """
    from api.duplicates import engines
    from api.duplicates.ray import ClusterLost, RayMissing
    from api.duplicates.searches import SearchMoved, SearchRunning
    from api.duplicates.searching import Order, Search
    from api.institutions.credentials import KeyRevoked
    from api.institutions.roles import Scope
    from api.storage.errors import StorageError

    if address is not None and engine is not EngineName.RAY:
        raise typer.BadParameter("--address 须与 --engine ray 同用 / --address goes with --engine ray")
    cores = threads or len(os.sched_getaffinity(0))
    try:
        open_engine = engines.opener(engine, cores, address)
    except RayMissing as error:
        raise typer.BadParameter(str(error)) from error
    except ClusterLost as error:
        raise CommandFailed(str(error)) from error
    with signed_in(key_file, Scope.SEARCH_DUPLICATES) as (opened, caller), _bar() as tell:
        folder = opened.settings.home / "duplicates"
        search = Search(opened.database, opened.keys, caller, _templates(opened.settings), folder)
        order = Order(
            purpose,
            case_reference,
            false_per_1000,
            engine.value,
            open_engine,
            cores,
        )
        try:
            outcome = search.run(order, tell)
        except (SearchRunning, SearchMoved, ClusterLost) as error:
            raise CommandFailed(str(error)) from error
        except (KeyRevoked, StorageError) as error:
            raise CommandFailed(f"{explanation(error)}\n{_AGAIN}") from error
        except KeyboardInterrupt:
            fail(f"已中断。 Broken off.\n{_AGAIN}", BROKEN_OFF)
    _tell(outcome)
    if outcome.left_out or outcome.damaged:
        raise typer.Exit(NEGATIVE)


def _templates(settings: "Settings") -> "StoredTemplates":
    """The templates of the recognisers in use, read by the calibrations in use; no network is opened but a pack's of
    one's own, which alone says what it is called."""
    from api.duplicates.engines import StoredTemplates
    from api.matching import calibrations
    from biometrics.face import FaceEngine
    from biometrics.face.packs import open_engine
    from biometrics.finger import FingerEngine

    face = FaceEngine.engine
    if settings.face_pack != "sface":
        face = open_engine(settings.face_pack, settings.home, provider=settings.face_provider).engine
    found = calibrations.load((face, FingerEngine.engine), settings.calibration_path)
    return StoredTemplates({"face": found[face], "finger": found[FingerEngine.engine]})


def _tell(outcome: "Outcome") -> None:
    """What came of a search that came to its end."""
    if outcome.blocks_before:
        typer.echo(
            f"此前已完成 {outcome.blocks_before:,} 块，本次接续。"
            f" {count(outcome.blocks_before, 'block')} had been compared before; this run went on from there."
        )
    filed = outcome.filed
    typer.echo(
        f"已比对 {outcome.people:,} 人，相似 {outcome.pairs:,} 对；新立案 {filed.opened:,} 件，"
        f"更新 {filed.changed:,} 件，未变 {filed.unchanged:,} 件。"
        f" {_people(outcome.people)} compared, {count(outcome.pairs, 'pair')} alike:"
        f" {count(filed.opened, 'case')} opened, {filed.changed:,} changed, {filed.unchanged:,} as they were."
    )
    if outcome.left_out:
        typer.echo(
            f"另有 {outcome.left_out:,} 人只有其他识别引擎的人脸模板，未参与比对；请先 `renzheng cards re-enrol`。"
            f" {_people(outcome.left_out)} with faces of other recognisers only were left out: re-enrol them first."
        )
    if outcome.damaged:
        typer.echo(
            f"另有 {outcome.damaged:,} 张人脸模板无法打开，未参与比对。"
            f" {count(outcome.damaged, 'face')} could not be opened and were left out."
        )


def _people(number: int) -> str:
    return f"{number:,} person" if number == 1 else f"{number:,} people"


@contextmanager
def _bar() -> "Iterator[Callable[[Step], None]]":
    """How far it is: a bar for each stage on a terminal, elsewhere a line now and then."""
    if not console.is_terminal:
        with status_line() as line:
            yield lambda step: line(f"{_STAGES[step.stage]} {step.done:,} / {step.total:,}")
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        tasks = {stage: progress.add_task(words, total=None, start=False) for stage, words in _STAGES.items()}

        def tell(step: "Step") -> None:
            progress.start_task(tasks[step.stage])
            progress.update(tasks[step.stage], completed=min(step.done, step.total), total=step.total)

        yield tell

"""What the sources emit: every code that stands, as a literal, where a code leaves a function as an answer."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import api
import biometrics
import models

_ROOMS = [Path(str(module.__file__)).parent for module in (api, biometrics, models)]

# Calls that make an answer's code, a command's, and a reason of a modality; and where in the call the code stands.
AT_THE_DOOR = {
    "ServiceError": 0, "bad_value": 0, "InvalidImage": 0, "CaptureInvalid": 0, "response": 1, "error_response": 1,
    "_refuse": 0,
}  # fmt: skip
ON_THE_COMMAND_LINE = {"words_of": 0, "BackupUnusable": 0, "StatisticsError": 0, "Row": 2, "_Left": 0}
REASONS = {"NotAssessable": 0, "InvalidTemplate": 0, "Verdict": 1, "LivenessResult": 1, "ModalityResult": 2}
# Where the word `reason`, as an argument or a name, means that of a modality.
_JUDGING = ("api/matching/", "biometrics/")


@cache
def sources() -> dict[str, ast.Module]:
    """All of ours, by file; what a client or a terminal knows of codes makes none."""
    paths = {path.relative_to(room.parent).as_posix(): path for room in _ROOMS for path in sorted(room.rglob("*.py"))}
    return {
        file: ast.parse(path.read_text(encoding="utf-8"))
        for file, path in paths.items()
        if not file.startswith(("api/client/", "api/terminal/"))
    }


@cache
def _nodes() -> list[tuple[str, ast.AST]]:
    wanted = (ast.Call, ast.keyword, ast.Assign, ast.NamedExpr)
    return [(file, node) for file, tree in sources().items() for node in ast.walk(tree) if isinstance(node, wanted)]


def calls(kinds: dict[str, int]) -> Iterator[tuple[str, str, str | None]]:
    """(file, call, code) of every call that makes a code; None where the code is no literal."""
    for file, node in _nodes():
        if isinstance(node, ast.Call) and (call := _name(node.func)) in kinds and len(node.args) > kinds[call]:
            yield from ((file, call, code) for code in literals(node.args[kinds[call]]))


def faults() -> Iterator[str]:
    """The codes of rows that an import leaves out: the third of (line, column, code)."""
    for _, node in _nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _name(node.func.value) == "faults":
            inner = [one for argument in node.args for one in ast.walk(argument) if isinstance(one, ast.Tuple)]
            yield from (code for one in inner if len(one.elts) == 3 for code in literals(one.elts[2]) if code)


def reasons() -> Iterator[str]:
    """Why a modality is not assessed, or is not alive."""
    yield from (code for file, call, code in calls(REASONS) if code and (call != "InvalidTemplate" or "api/" in file))
    for file, node in _nodes():
        if file.startswith(_JUDGING):
            yield from (code for value in _reasoned(node) for code in literals(value) if code)


def returned(file: str, function: str) -> Iterator[str]:
    """The strings that a function may return."""
    (found,) = (
        node for node in ast.walk(sources()[file]) if isinstance(node, ast.FunctionDef) and node.name == function
    )
    for node in ast.walk(found):
        if isinstance(node, ast.Return) and node.value is not None:
            yield from (code for code in literals(node.value) if code)


def literals(node: ast.expr) -> list[str | None]:
    """The strings that an expression may be: literals, and both sides of a condition."""
    if isinstance(node, ast.IfExp):
        return [*literals(node.body), *literals(node.orelse)]
    if isinstance(node, ast.BoolOp):
        return [code for value in node.values for code in literals(value)]
    return [node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None]


def _reasoned(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.keyword) and node.arg == "reason":
        yield node.value
    if isinstance(node, ast.Assign) and [_name(target) for target in node.targets] == ["reason"]:
        yield node.value
    if isinstance(node, ast.NamedExpr) and node.target.id == "problem":
        yield node.value


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""

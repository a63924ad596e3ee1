"""The command: `renzheng-terminal`, or `python -m api.terminal`; `follow`, `check` and `status`.

Exit codes: 0 done (`check`: NOT_LISTED; `status`: fresh), 1 a negative answer (`check`: REVIEW; `status`: stale),
2 usage, 3 failure.
"""

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .card import LONG_TERM, Card, day, last_day
from .client import Terminal
from .clock import sound_limit
from .lock import FolderInUse
from .parameters import STALE_AFTER_S
from .remote import Remote, RemoteFailed
from .signers import public_key
from .snapshot import SnapshotRefused
from .telling import mistaken, told

DONE, NEGATIVE, USAGE, FAILURE = 0, 1, 2, 3


class UsageError(Exception):
    """The command cannot be run as it was given."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        signers = [_public_key(Path(one)) for one in options.signer]
        code: int = options.run(options, signers)
    except UsageError as error:
        _complain(str(error))
        return USAGE
    except (FolderInUse, RemoteFailed, SnapshotRefused, OSError) as error:
        _complain(told(error))
        return FAILURE
    return code


def _follow(options: argparse.Namespace, signers: list[Ed25519PublicKey]) -> int:
    key = _key(options.key_file)
    try:
        remote = Remote(options.url, key, ca_file=options.ca_file)
    except ValueError as error:
        raise UsageError(f"--url：须为 https 地址（http 仅限本机），密钥须可用。\n--url: {error}") from error
    with Terminal(options.folder, signers, remote=remote, stream=not options.poll) as terminal:
        if options.once:
            if terminal.follower is not None:
                terminal.follower.once()
            _show(terminal.status())
            return DONE
        stop = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.set())
        terminal.start()
        stop.wait()
    return DONE


def _check(options: argparse.Namespace, signers: list[Ed25519PublicKey]) -> int:
    number = sys.stdin.readline().strip() if options.number == "-" else options.number
    card = Card(number, options.issuer, options.valid_from, options.valid_to)
    with Terminal(options.folder, signers, stale_after_s=options.stale_after) as terminal:
        answer = terminal.check(card)
    _show(
        {
            "verdict": answer.verdict,
            "reason": answer.reason,
            "as_of_seq": answer.as_of_seq,
            "as_of_time": None if answer.as_of_time is None else answer.as_of_time.isoformat(),
            "age_s": answer.age_s,
            "stale": answer.stale,
            "words": answer.words,
        }
    )
    return DONE if answer.verdict == "NOT_LISTED" else NEGATIVE


def _status(options: argparse.Namespace, signers: list[Ed25519PublicKey]) -> int:
    with Terminal(options.folder, signers, stale_after_s=options.stale_after) as terminal:
        told = terminal.status()
    _show(told)
    return NEGATIVE if told["stale"] else DONE


class _Parser(argparse.ArgumentParser):
    """The parser speaks English alone."""

    def error(self, message: str) -> NoReturn:
        """Tell what is wrong in both languages, with its code, and end with 2."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{mistaken(message)}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="renzheng-terminal", description="Invalid cards, without a network.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    follow = commands.add_parser("follow", help="keep the folder fresh, until it is stopped")
    follow.add_argument("--url", required=True, metavar="URL", help="the service, as https://host")
    follow.add_argument("--key-file", type=Path, metavar="FILE", help="the terminal's key; else RENZHENG_KEY")
    follow.add_argument("--ca-file", type=Path, metavar="PEM", help="trust this authority instead of the system's")
    follow.add_argument("--once", action="store_true", help="catch up and end")
    follow.add_argument("--poll", action="store_true", help="ask every few seconds instead of holding a stream")
    follow.set_defaults(run=_follow)
    check = commands.add_parser("check", help="a card: NOT_LISTED or REVIEW, never PASS")
    check.add_argument("--number", required=True, help="18 characters; - reads it from the standard input")
    check.add_argument("--issuer", required=True)
    check.add_argument("--valid-from", required=True, type=day, metavar="YYYY-MM-DD")
    check.add_argument("--valid-to", required=True, type=last_day, metavar="YYYY-MM-DD", help=f"or {LONG_TERM}")
    check.set_defaults(run=_check)
    status = commands.add_parser("status", help="what is held, and how old it is")
    status.set_defaults(run=_status)
    for one in (check, status):
        one.add_argument("--stale-after", type=_seconds, default=STALE_AFTER_S, metavar="SECONDS")
    for one in (follow, check, status):
        one.add_argument("--folder", type=Path, required=True, metavar="DIR", help="where the list is kept")
        one.add_argument(
            "--signer",
            action="append",
            required=True,
            metavar="FILE",
            help="a public key of the service (base64 or PEM, as in GET /v1/keys); several while one replaces another",
        )
    return parser


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        return public_key(path.read_text("ascii"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--signer：{path} 不是 Ed25519 公钥（Base64 或 PEM）。\n"
            f"--signer: {path} holds no public key of Ed25519, in base64 or PEM."
        ) from error


def _key(path: Path | None) -> str:
    try:
        key = os.environ.get("RENZHENG_KEY", "") if path is None else path.read_text("ascii")
    except (OSError, ValueError) as error:
        raise UsageError("--key-file：无法读取。\n--key-file cannot be read.") from error
    if not key.strip():
        raise UsageError(
            "没有密钥：请用 --key-file，或设置 RENZHENG_KEY。\nThere is no key: give --key-file, or set RENZHENG_KEY."
        )
    return key.strip()


def _seconds(text: str) -> float:
    return sound_limit(float(text))


def _show(told: object) -> None:
    sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")


def _complain(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())

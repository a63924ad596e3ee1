"""The catalogue as a page for people, `docs/errors.md`, and a code of it as text for a terminal's window."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import get_args

from api.errors.catalogue import Entry, Kind, Room, Text

_HEAD = """\
<!-- Made of api/errors/catalogue.json by `renzheng errors --markdown`; a test holds this file to it. -->
# Error codes 错误码

Every code that the service gives, in an error, as a reason or as advice: {count} of them. `renzheng errors CODE`
explains one, and `GET /v1/errors` gives all to programs. 服务给出的全部代码；`renzheng errors 代码` 说明其中一个。

An error is answered as `{{code, message, operator, retryable, request_id}}`, with `details` where fields are at fault;
they name fields and never values. `message` is for the customer, `operator` for whoever serves them. The causes and
further steps below are for staff, administrators and programmers, and stand in no answer: do not read them to
customers. 原因和后续步骤只供工作人员、管理员和开发人员查阅，请勿念给客户听。

**Trying again.** Where it says so, the same request may be sent again, under the same `Idempotency-Key` and after the
seconds of `Retry-After`; nothing is done twice. Any other error stays until something is changed.
标明“可重试”的，用同一幂等键原样重发；其余须先改正。

What the live picture's guidance says has words of its own in its answer ([captures.md](captures.md)), omissions have
their causes ([accountability.md](accountability.md#transactions)), and findings of `renzheng doctor` tell their own fix
([operations.md](operations.md)).
"""

_ROOMS: dict[Room, str] = {
    "request": "The request's form 请求格式",
    "signing_in": "Signing in, rights and signatures 登录、权限与签名",
    "institutions": "Institutions, people and keys 机构、人员与密钥",
    "captures": "Captures and their freshness 采集与时效",
    "images": "Images 图像",
    "cards": "Cards and the register 证件与登记",
    "verification": "Purposes and questions 用途与核查",
    "screening": "The impostor list 冒用名单",
    "duplicates": "Duplicates 重复身份",
    "accountability": "Transactions, overrides, disputes and scorecards 业务、放行、异议与统计",
    "personal_data": "Retention, holds and keys of records 保存期限、保全与记录密钥",
    "evidence": "The evidence log 存证日志",
    "feed": "Feed, webhooks and snapshots 通报、推送与离线名单",
    "service": "The service itself 服务本身",
    "command_line": "The command line 命令行",
}
_KINDS: dict[Kind, str] = {
    "document": "What is said of a card 证件结论",
    "person": "What is said of a person 人证结论",
    "modality": "What is said of a capture 采集与比对",
    "advice": "Advice 处理建议",
    "finding": "Findings of the register 核查结论",
}
_ROWS = (
    ("message", "客户 customer"),
    ("cause", "原因 cause"),
    ("operator", "处理 at once"),
    ("next", "后续 then"),
    ("holder", "持证人 holder"),
    ("shown", "证件在手 card in hand"),
)


def page(entries: Mapping[str, Entry]) -> str:
    """The whole page, in Markdown. Every code is a heading, and so has an anchor of its name: `errors.md#not_found`."""
    groups = list(_groups(entries))
    contents = [f"- **{title}**: {', '.join(f'[`{code}`](#{code})' for code in codes)}" for title, codes in groups]
    parts = [_HEAD.format(count=len(entries)), "\n".join(contents) + "\n"]
    for title, codes in groups:
        parts.append(f"## {title}\n")
        parts.extend(_section(code, entries[code]) for code in codes)
    return "\n".join(parts)


def told(code: str, found: Entry) -> str:
    """One code in both languages, for a terminal's window."""
    lines = [f"{code} · {_standing(found)}"]
    for field, name in _ROWS:
        text: Text | None = getattr(found, field)
        if text is not None:
            lines.append(f"\n{name}\n  {text.zh}\n  {text.en}")
    return "\n".join(lines)


def _groups(entries: Mapping[str, Entry]) -> Iterable[tuple[str, list[str]]]:
    for room in get_args(Room):
        yield _ROOMS[room], [code for code, found in entries.items() if found.room == room]
    for kind in get_args(Kind)[1:]:
        yield _KINDS[kind], [code for code, found in entries.items() if found.kind == kind]


def _section(code: str, found: Entry) -> str:
    rows = [
        f"| {name} | {text.zh} | {text.en} |" for field, name in _ROWS if (text := getattr(found, field)) is not None
    ]
    return "\n".join([f"### `{code}`\n", f"{_standing(found)}\n", "| | 中文 | English |", "|---|---|---|", *rows, ""])


def _standing(found: Entry) -> str:
    if found.kind != "error":
        return _KINDS[found.kind]
    again = "may be tried again 可重试" if found.retryable else "not before something is changed 须先改正"
    if found.http is None:
        return f"Command line 命令行 · {again}"
    return f"HTTP {found.http} {HTTPStatus(found.http).phrase} · {again}"

"""Everything that goes wrong, as one family: `code`, `http`, `retryable`, and words for the customer and the operator.

What the service answers has its own code and words. What never reached it, or cannot be believed, has codes of the
client's: `unreachable`, `answer_unusable`, `receipt_refuted`, `promise_broken`. No text holds a key, a picture, or
anything of a card.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_CODE = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)


@dataclass(frozen=True)
class Words:
    """A text for people, in Chinese and English."""

    zh: str
    en: str


@dataclass(frozen=True)
class Fault:
    """A field of the request that is at fault; never its value."""

    field: str
    code: str


class RenzhengError(Exception):
    """`message` may be read to the customer, `operator` says what to do.

    `http`: the answer's status, None where none came. `retryable`: the same request may succeed later.
    `idempotency_key`: of the request that was sent; sent again under it, nothing is done twice. None: it had none.
    """

    code: str = "unexpected"
    http: int | None = None
    retryable: bool = False
    message = Words("系统出现意外情况。", "Something unexpected happened.")
    operator = Words("请联系管理员。", "Tell an administrator.")
    idempotency_key: str | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message.zh} {self.message.en}"


class Refused(RenzhengError):
    """The service answered an error of its catalogue.

    `details` name the fields at fault; `request_id` finds the request in the service's log; `retry_after_s` is what it
    asks to wait for.
    """

    def __init__(self, http: int, told: Mapping[str, Any], retry_after_s: float | None = None) -> None:
        """`told`: the answer's body, an object. What is missing of it is replaced by words of the client's."""
        said = told.get("code")
        code = said if isinstance(said, str) and _CODE.fullmatch(said) is not None else f"status_{http}"
        super().__init__(code)
        self.code, self.http, self.retry_after_s = code, http, retry_after_s
        self.retryable = told.get("retryable") is True
        self.message = _words(told.get("message"), self.message)
        self.operator = _words(told.get("operator"), self.operator)
        self.request_id = str(told.get("request_id", ""))
        details = told.get("details")
        self.details = tuple(
            Fault(str(one.get("field")), str(one.get("code")))
            for one in (details if isinstance(details, list) else ())
            if isinstance(one, dict)
        )

    def __str__(self) -> str:
        faults = ", ".join(f"{one.field}: {one.code}" for one in self.details)
        return f"{super().__str__()} {faults}".rstrip()


class NotAllowed(Refused):
    """401 and 403: nobody is signed in, the signature does not hold, or the key lacks the right."""


class NotFound(Refused):
    """404 and 410: it is not there, or not for this key."""


class Conflict(Refused):
    """409: it was done before, or stands against what is there."""


class Invalid(Refused):
    """400, 413, 415 and 422: the request, or a capture, is not as it has to be."""


class LimitReached(Refused):
    """429: too many requests; `retry_after_s` says for how long."""


class ServiceFailed(Refused):
    """5xx: the service cannot answer now, or at all: see `retryable`."""


_KINDS: dict[int, type[Refused]] = {
    400: Invalid,
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: LimitReached,
}


def refused(http: int, told: Mapping[str, Any], retry_after_s: float | None = None) -> Refused:
    """The error for an answer of the service."""
    kind = ServiceFailed if http >= 500 else _KINDS.get(http, Refused)
    return kind(http, told, retry_after_s)


class Unreachable(RenzhengError):
    """No answer came. Whether the request was carried out is unknown: send it again under its `idempotency_key`."""

    code = "unreachable"
    message = Words("核验服务无法连接，请稍候。", "The service does not answer; please wait.")
    operator = Words("请检查网络和服务地址，然后重试。", "Check the network and the service's address, then try again.")

    def __init__(self, reason: str, *, retryable: bool = True) -> None:
        super().__init__(reason)
        self.reason, self.retryable = reason, retryable

    def __str__(self) -> str:
        return f"{super().__str__()} ({self.reason})"


class AnswerUnusable(RenzhengError):
    """The answer is not in this service's form: a proxy's page, or a service that this client is too old for."""

    code = "answer_unusable"
    message = Words("核验服务的应答无法识别。", "The service's answer cannot be used.")
    operator = Words(
        "请检查服务地址、代理和终端软件版本。", "Check the address, proxies and the terminal software's version."
    )

    def __init__(self, reason: str, http: int | None = None, *, retryable: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.http, self.retryable = reason, http, retryable

    def __str__(self) -> str:
        return f"{super().__str__()} ({self.reason})"


class EvidenceRefuted(RenzhengError):
    """A receipt or a proof does not hold; `reason` says which part. The act may have been carried out all the same."""

    code = "receipt_refuted"
    message = Words("核验凭证无效，请转人工处理。", "The receipt does not hold; a person decides.")
    operator = Words(
        "请保存应答并立即通知管理员：签名密钥已更换，或应答被篡改。",
        "Keep the answer and tell an administrator at once: the signing key was replaced, or the answer was changed.",
    )

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"{super().__str__()} ({self.reason})"


class PromiseBroken(EvidenceRefuted):
    """The leaf is not in the log though the promised time is over."""

    code = "promise_broken"
    message = Words("核验记录未按时入册。", "The record is not in the log in time.")
    operator = Words("请保存凭证并通知管理员。", "Keep the receipt and tell an administrator.")


def _words(told: Any, otherwise: Words) -> Words:
    if isinstance(told, dict) and isinstance(told.get("zh"), str) and isinstance(told.get("en"), str):
        return Words(told["zh"], told["en"])
    return otherwise

"""What a terminal without network says of a card. There is no PASS: that is the service's to say."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum

# Asia/Shanghai has had no other offset since 1991.
BEIJING = timezone(timedelta(hours=8))


class Verdict(StrEnum):
    """`NOT_LISTED`: among the cards invalid as of the number named this one is not. `REVIEW`: a person decides."""

    REVIEW = "REVIEW"
    NOT_LISTED = "NOT_LISTED"


@dataclass(frozen=True)
class Answer:
    """The verdict, why, and how old the knowledge is that it was made with.

    `as_of_seq` and `as_of_time` (the service's clock, UTC): every change up to this number, which was all there was at
    this time, was known; None where nothing is held. `age_s`: seconds since then, None where the clock cannot tell.
    `stale`: older than the terminal's limit, or of unknown age; then the verdict is REVIEW.
    """

    verdict: Verdict
    reason: str
    as_of_seq: int | None
    as_of_time: datetime | None
    age_s: float | None
    stale: bool

    @property
    def words(self) -> dict[str, str]:
        """For the teller, in Chinese (`zh`) and English (`en`), with the time in Beijing."""
        shown = "" if self.as_of_time is None else f"{self.as_of_time.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
        words = WORDS.get(self.reason, WORDS["listed"])
        return {language: text.replace("{time}", shown) for language, text in words.items()}


_LOST = {"zh": "证件已挂失，请转人工处理。", "en": "The card is reported lost. A person decides."}
_STOLEN = {"zh": "证件已报失（被盗），请转人工处理。", "en": "The card is reported stolen. A person decides."}
_ENDED = {"zh": "证件已失效，请转人工处理。", "en": "The card is no longer good. A person decides."}

WORDS: dict[str, dict[str, str]] = {
    "not_listed": {
        "zh": "截至北京时间 {time}，该证件未见挂失或失效记录；未作人证核验，不代表通过。",
        "en": "Up to {time}, Beijing time, this card was not reported. Nobody was verified: this is no pass.",
    },
    "listed": {
        "zh": "该证件可能已挂失或失效，请联网核验或转人工处理。",
        "en": "The card may be reported lost or no longer good: verify online, or a person decides.",
    },
    "card_reported_lost": _LOST,
    "card_reported_stolen": _STOLEN,
    "card_reissued": _ENDED,
    "card_cancelled": _ENDED,
    "holder_deceased": _ENDED,
    "card_expired": {"zh": "已过有效期，请转人工处理。", "en": "The card has expired. A person decides."},
    "not_yet_valid": {"zh": "证件尚未生效，请转人工处理。", "en": "The card is not valid yet. A person decides."},
    "card_unreadable": {"zh": "证件信息有误，请重新读卡。", "en": "The card's data are not sound: read it again."},
    "stale": {
        "zh": "离线名单已过期，无法判断，请联网核验或转人工处理。",
        "en": "The list is too old to say anything: verify online, or a person decides.",
    },
    "no_data": {
        "zh": "尚无离线名单，无法判断，请联网核验或转人工处理。",
        "en": "There is no list yet: verify online, or a person decides.",
    },
}

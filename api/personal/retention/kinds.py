"""Every kind of data that has a clock: from which moment it runs, for how long, and what is removed then.

A row that a leaf of evidence tells of stays, without what leads from it to a person, and says when that was removed: so
the log proves as before that the act happened, and figures are counted as before. What nothing tells of is deleted.
"""

from dataclasses import dataclass
from typing import Literal

from api.personal.holds.conditions import NOTHING, Reach
from api.personal.retention.parameters import LOCKS_DAYS, NONCES_DAYS, WEBHOOKS_DAYS
from api.settings import Settings

Period = Literal[
    "retention_templates_days",
    "retention_decisions_days",
    "retention_cases_days",
    "idempotency_days",
]
"""The setting that says for how many days."""


@dataclass(frozen=True)
class Kind:
    """A kind of data. `clock`, `still` and `change` are SQL over `table`, whose rows are called `t`.

    `clock`: the moment from which on it is kept; `still`: what is there to be removed; `change`: how, of which rows
    left out; `parts`: tables whose rows go whole with it, each with the column that names it. `change` None: it is
    removed otherwise, and by what `by` names. `period`: the setting, or days that nobody sets. `proven`: a row says
    itself that something was removed of it, so that the rows and what was told of the runs can be compared. `reach`: by
    what a legal hold keeps it.
    """

    name: str
    zh: str
    en: str
    table: str
    clock: str
    period: Period | int
    change: str | None
    still: str = "true"
    by: str | None = None
    proven: str | None = None
    parts: tuple[tuple[str, str], ...] = ()
    reach: Reach = NOTHING

    def days(self, settings: Settings) -> int:
        """For how many days it is kept."""
        return self.period if isinstance(self.period, int) else int(getattr(settings, self.period))


_OF_VERIFICATION = Reach(
    "SELECT v.number_index FROM verifications AS v WHERE v.id = t.verification_id",
    "t.institution_id",
    ("t.verification_id",),
)
_OF_CARD = "SELECT c.number_index FROM cards AS c WHERE c.id = t.card_id"
# When a card ended: reported so, or by its date; a card that is missing may be found, and one in dispute come back.
TEMPLATES_CLOCK = """
    least(
        CASE WHEN t.status IN ('card_reissued', 'card_cancelled', 'holder_deceased') THEN (
            SELECT max(e.recorded_at) FROM card_events AS e
            WHERE e.card_id = t.id AND e.status = t.status AND e.event NOT IN (
                'face_re_enrolled', 'biometrics_erased', 'surrendered', 'dispute_opened', 'dispute_rejected'
            )
        ) END,
        (t.valid_to + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
    )
"""
TEMPLATES_STILL = "NOT t.disputed AND EXISTS (SELECT FROM templates AS h WHERE h.card_id = t.id)"

TEMPLATES = Kind(
    "templates_of_ended_cards",
    "已失效或过期证件的特征",
    "templates of cards that ended",
    "cards",
    TEMPLATES_CLOCK,
    "retention_templates_days",
    # Card by card, each with its event, its leaf and the end of its key: `templates.py`.
    None,
    TEMPLATES_STILL,
    reach=Reach("t.number_index", "SELECT p.institution_id FROM principals AS p WHERE p.id = t.registered_by"),
)

# In the order in which they are enforced: answers that are given again before the rows that they were made of.
KINDS: tuple[Kind, ...] = (
    TEMPLATES,
    Kind(
        "answers",
        "为重发请求保留的答复",
        "answers kept for requests that come again",
        "idempotency",
        "t.created_at",
        "idempotency_days",
        "DELETE FROM idempotency",
        "t.status_code = 200",
    ),
    Kind(
        "nonces",
        "采集随机数",
        "nonces of captures",
        "nonces",
        "t.expires_at",
        NONCES_DAYS,
        "DELETE FROM nonces",
    ),
    Kind(
        "capture_digests",
        "防重放的采集摘要",
        "digests of captures, against replay",
        "capture_digests",
        "t.expires_at",
        0,
        "DELETE FROM capture_digests",
    ),
    Kind(
        "verifications",
        "核验记录中可追溯到个人的内容",
        "what leads from verifications to a person",
        "verifications",
        "t.decided_at",
        "retention_decisions_days",
        # The evidence of a figure names the leaf of each decision that is counted in it.
        """
        UPDATE verifications SET removed_at = clock_timestamp(), instance_index = '', number_index = NULL,
            card_id = NULL,
            answer = json_build_object('receipt', json_build_object('leaf_hash', answer #> '{receipt,leaf_hash}'))
        """,
        # Not while the holder disputes it: who resolves that has to see what was decided.
        "t.removed_at IS NULL"
        " AND NOT EXISTS (SELECT FROM check_disputes AS d WHERE d.verification_id = t.id AND d.state = 'open')",
        proven="removed_at IS NOT NULL",
        reach=Reach("t.number_index", "t.institution_id", ("t.id",)),
    ),
    Kind(
        "checks",
        "人口库查询记录中可追溯到个人的内容",
        "what leads from questions to the register to a person",
        "checks",
        "t.checked_at",
        "retention_decisions_days",
        """
        UPDATE checks SET removed_at = clock_timestamp(), number_index = '',
            answer = json_build_object('receipt', json_build_object('leaf_hash', answer #> '{receipt,leaf_hash}'))
        """,
        "t.removed_at IS NULL",
        proven="removed_at IS NOT NULL",
        reach=Reach("t.number_index", "t.institution_id"),
    ),
    Kind(
        "transactions",
        "业务交易的流水号",
        "references of business transactions",
        "transactions",
        "t.reported_at",
        "retention_decisions_days",
        "UPDATE transactions SET reference_sealed = NULL",
        "t.reference_sealed IS NOT NULL",
        proven="reference_sealed IS NULL",
        reach=_OF_VERIFICATION,
    ),
    Kind(
        "overrides",
        "放行的说明",
        "explanations of overrides",
        "overrides",
        "coalesce(t.decided_at, t.entered_at)",
        "retention_cases_days",
        "UPDATE overrides SET text_sealed = NULL",
        "t.text_sealed IS NOT NULL",
        proven="text_sealed IS NULL",
        reach=_OF_VERIFICATION,
    ),
    Kind(
        "check_disputes",
        "核验异议的文字",
        "texts of disputes of checks",
        "check_disputes",
        "t.resolved_at",
        "retention_cases_days",
        "UPDATE check_disputes SET text_sealed = NULL, note_sealed = NULL",
        "(t.text_sealed IS NOT NULL OR t.note_sealed IS NOT NULL)",
        reach=_OF_VERIFICATION,
    ),
    Kind(
        "card_event_reasons",
        "证件事件的原因说明",
        "reasons written with events of cards",
        "card_events",
        "t.recorded_at",
        "retention_cases_days",
        "UPDATE card_events SET reason = NULL, reason_sealed = NULL",
        "(t.reason IS NOT NULL OR t.reason_sealed IS NOT NULL) AND t.event <> 'biometrics_erased'",
        reach=Reach(_OF_CARD, "SELECT p.institution_id FROM principals AS p WHERE p.id = t.recorded_by"),
    ),
    Kind(
        "alerts",
        "已关闭警报的备注与证件",
        "notes and cards of closed alerts",
        "alerts",
        "t.closed_at",
        "retention_cases_days",
        "UPDATE alerts SET note = NULL, card_id = NULL",
        "(t.note IS NOT NULL OR t.card_id IS NOT NULL)",
        reach=Reach(_OF_CARD, "t.institution_id"),
    ),
    Kind(
        "impostor_cases",
        "已结束的冒用名单案卷",
        "cases of ended entries of the impostor list",
        "impostors",
        "t.ended_at",
        "retention_cases_days",
        "UPDATE impostors SET case_sealed = NULL, reason = NULL",
        "t.case_sealed IS NOT NULL",
        proven="case_sealed IS NULL",
        reach=Reach(None, "t.institution_id", ("t.id",)),
    ),
    Kind(
        "duplicate_cases",
        "已结束的重复身份案件的成员与分数",
        "people and scores of decided cases of double identities",
        "duplicate_cases",
        """
        CASE WHEN t.state IN ('confirmed', 'rejected', 'superseded') THEN coalesce(
            t.decided_at, (SELECT s.ended_at FROM duplicate_searches AS s WHERE s.id = t.found_in), t.opened_at
        ) END
        """,
        "retention_cases_days",
        "UPDATE duplicate_cases SET removed_at = clock_timestamp(), llr = 0, reason = NULL",
        "t.removed_at IS NULL",
        proven="removed_at IS NOT NULL",
        parts=(("duplicate_pairs", "case_id"), ("duplicate_members", "case_id")),
        reach=Reach(
            "SELECT m.number_index FROM duplicate_members AS m WHERE m.case_id = t.id",
            "SELECT s.institution_id FROM duplicate_searches AS s WHERE s.id = t.search_id",
            ("t.id",),
        ),
    ),
    Kind(
        "duplicate_searches",
        "已结束的重复身份查找的案卷编号",
        "case references of ended searches for double identities",
        "duplicate_searches",
        "t.ended_at",
        "retention_cases_days",
        "UPDATE duplicate_searches SET case_sealed = NULL",
        "t.case_sealed IS NOT NULL",
        proven="case_sealed IS NULL",
        reach=Reach(None, "t.institution_id"),
    ),
    Kind(
        "card_locks",
        "已结束的号码锁定",
        "ended locks of numbers",
        "card_locks",
        "t.until",
        LOCKS_DAYS,
        "DELETE FROM card_locks",
        reach=Reach("t.number_index"),
    ),
    Kind(
        "webhooks",
        "已停用的推送地址",
        "addresses of ended webhooks",
        "webhooks",
        "t.removed_at",
        WEBHOOKS_DAYS,
        "DELETE FROM webhooks",
    ),
    Kind(
        "impostor_templates",
        "已结束的冒用名单条目的特征",
        "templates of ended entries of the impostor list",
        "impostors",
        "t.ended_at",
        0,
        None,
        "EXISTS (SELECT FROM impostor_templates AS h WHERE h.impostor_id = t.id)",
        by="the end of the entry",
    ),
    Kind(
        "record_keys",
        "待删除的记录密钥",
        "keys of records that are to be deleted",
        "key_erasures",
        "t.asked_at",
        0,
        None,
        "t.done_at IS NULL",
        by="the service, within a minute",
    ),
)
NAMED = {kind.name: kind for kind in KINDS}

"""The rule: which business needs a check, and which checks carry it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, Literal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.accountability.parameters import CLOCK_SKEW_S
from api.accountability.transactions.judging import Business, Cause, Check, omission, rule_of
from api.verification.policy import KindPolicy, TransactionsPolicy, load

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
TERMINAL, HOUSE = uuid4(), uuid4()
BUSINESS = Business(TERMINAL, HOUSE, "account_opening", AT, uuid4())
CHECK = Check(TERMINAL, HOUSE, "PASS", "account_opening", AT - timedelta(seconds=60))
REQUIRED = KindPolicy(check="required")


def test_a_check_that_carries_its_business() -> None:
    assert omission(BUSINESS, REQUIRED, CHECK, 1800) is None


@pytest.mark.parametrize(
    ("cause", "changes"),
    [
        (Cause.CHECK_UNKNOWN, {"institution_id": uuid4()}),
        (Cause.CHECK_OF_ANOTHER_TERMINAL, {"terminal_id": uuid4()}),
        (Cause.CHECK_AFTER_TRANSACTION, {"decided_at": AT + timedelta(seconds=CLOCK_SKEW_S + 1)}),
        (Cause.CHECK_TOO_OLD, {"decided_at": AT - timedelta(seconds=1801)}),
        (Cause.CHECK_USED, {"used": True}),
        (Cause.CHECK_NOT_PASSED, {"decision": "REVIEW"}),
        (Cause.CHECK_NOT_PASSED, {"decision": "REFUSE"}),
        (Cause.OVERRIDE_TOO_LATE, {"decision": "REVIEW", "overridden_at": AT + timedelta(seconds=CLOCK_SKEW_S + 1)}),
    ],
)
def test_every_cause(cause: Cause, changes: dict[str, Any]) -> None:
    assert omission(BUSINESS, REQUIRED, replace(CHECK, **changes), 1800) is cause


def test_no_check_at_all() -> None:
    assert omission(replace(BUSINESS, verification_id=None), REQUIRED, None, 1800) is Cause.NO_CHECK
    assert omission(BUSINESS, REQUIRED, None, 1800) is Cause.CHECK_UNKNOWN


def test_a_kind_may_have_an_age_and_purposes_of_its_own() -> None:
    old = replace(CHECK, decided_at=AT - timedelta(seconds=3000))
    assert omission(BUSINESS, KindPolicy(check="required", max_age_s=3600), old, 1800) is None
    for_it = KindPolicy(check="required", purposes=frozenset({"account_opening"}))
    assert omission(BUSINESS, for_it, replace(CHECK, purpose="Account_Opening"), 1800) is None
    assert omission(BUSINESS, for_it, replace(CHECK, purpose="test"), 1800) is Cause.CHECK_OF_ANOTHER_PURPOSE


CHECKS = st.builds(
    Check,
    st.sampled_from([TERMINAL, uuid4()]),
    st.sampled_from([HOUSE, uuid4()]),
    st.sampled_from(["PASS", "REVIEW", "REFUSE"]),
    st.sampled_from(["account_opening", "test"]),
    st.integers(-4000, 4000).map(lambda seconds: AT + timedelta(seconds=seconds)),
    st.booleans(),
    st.none() | st.integers(-4000, 4000).map(lambda seconds: AT + timedelta(seconds=seconds)),
)


@given(CHECKS, st.booleans())
def test_only_the_own_fresh_unused_pass_carries(check: Check, for_purpose: bool) -> None:
    rule = KindPolicy(check="required", purposes=frozenset({"account_opening"}) if for_purpose else None)
    approved = check.overridden_at
    in_time = approved is not None and (approved - AT).total_seconds() <= CLOCK_SKEW_S
    good = (
        (check.terminal_id, check.institution_id, check.used) == (TERMINAL, HOUSE, False)
        and (in_time or (check.decision == "PASS" and approved is None))
        and -1800 <= (check.decided_at - AT).total_seconds() <= CLOCK_SKEW_S
        and (not for_purpose or check.purpose == "account_opening")
    )
    assert (omission(BUSINESS, rule, check, 1800) is None) == good
    assert omission(BUSINESS, KindPolicy(check="not_required"), check, 1800) is None


def test_kinds_that_the_policy_does_not_know() -> None:
    known = {"enquiry": KindPolicy(check="not_required")}
    answers: tuple[Literal["refuse", "required", "not_required"], ...] = ("refuse", "required", "not_required")
    for unknown, kind in product(answers, ("enquiry", "other")):
        rule = rule_of(TransactionsPolicy(unknown=unknown, kinds=known), kind)
        if kind == "enquiry":
            assert rule == known["enquiry"]
        else:
            assert (rule.check if rule is not None else "refuse") == unknown


def test_the_built_in_policy_knows_both_sorts() -> None:
    rules = load(None).transactions
    assert rules.unknown == "refuse"
    assert {rule.check for rule in rules.kinds.values()} == {"required", "not_required"}
    assert rules.kinds["account_opening"].check == "required"

"""What was presented and not acquired, of modalities as answers have them; and as the migration counts old answers."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.verification.presented import Presented, presented

REASONS = st.sampled_from(
    ["no_face", "multiple_faces", "low_quality", "no_finger", "wrong_dpi", "not_captured", "not_enrolled"]
)
MODALITIES = st.lists(
    st.one_of(
        st.fixed_dictionaries({"modality": st.just("finger"), "status": st.just("assessed")}),
        st.fixed_dictionaries({"modality": st.just("finger"), "status": st.just("not_assessed"), "reason": REASONS}),
    ),
    max_size=6,
)
FACES = st.one_of(
    st.none(),
    st.just({"modality": "face", "status": "assessed"}),
    st.fixed_dictionaries({"modality": st.just("face"), "status": st.just("not_assessed"), "reason": REASONS}),
)


@given(MODALITIES, FACES)
def test_each_is_counted_once(fingers: list[dict[str, Any]], face: dict[str, Any] | None) -> None:
    found = presented([*fingers, *([] if face is None else [face])])
    good = sum(one["status"] == "assessed" for one in fingers)
    bad = sum(one.get("reason") in {"no_finger", "low_quality", "wrong_dpi"} for one in fingers)
    assert (found.fingers, found.failed) == (good + bad, bad)
    if face is None or face.get("reason") in {"not_captured", "not_enrolled", "no_finger", "wrong_dpi"}:
        assert found.face is None
    else:
        assert found.face == face.get("reason", "acquired")


def test_nothing() -> None:
    assert presented([]) == Presented(None, 0, 0)

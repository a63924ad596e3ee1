"""The policy, the calibrations and the packs over HTTP, against what the service itself goes by."""

import pytest
from starlette.testclient import TestClient

from api.institutions.roles import Role
from api.service import Service
from api.storage import migrate
from models import catalogue, store
from tests.api.bodies import register, report
from tests.api.conftest import NewClient


@pytest.fixture
def auditor(new_client: NewClient) -> TestClient:
    return new_client(Role.REGULATOR)


def test_the_policy_is_the_one_that_decides(auditor: TestClient, service: Service) -> None:
    told = auditor.get("/v1/policy").json()["policy"]
    assert told["version"] == service.policy.version
    counter = service.policy.channels["counter"]
    assert told["channels"]["counter"]["pass_fmr"] == counter.pass_fmr
    assert set(told["channels"]["kiosk"]["required"]) == set(service.policy.channels["kiosk"].required)
    assert told["guessing"]["max_failures"] == service.policy.guessing.max_failures


def test_a_calibration_is_told_without_scores(auditor: TestClient, service: Service) -> None:
    told = auditor.get("/v1/policy").json()["calibrations"]
    assert [one["modality"] for one in told] == ["face", "finger"]
    for one in told:
        assert "score" not in one
        known = service.comparer.calibrations[one["modality"]]
        assert one["engine"] == known.engine
        assert one["version"] == known.version
        assert len(one["points"]) == len(known.llr)
        for point, evidence in zip(one["points"], map(known.assess, known.score), strict=True):
            assert point["fmr"] == pytest.approx(evidence.fmr, rel=1e-5)
            assert point["llr"] == pytest.approx(evidence.llr, abs=1e-5)


def test_a_replica_tells_how_it_stands(auditor: TestClient, authority: TestClient) -> None:
    before = auditor.get("/v1/standing").json()
    card_id, _ = register(authority)
    report(authority, card_id, "reported_lost")
    told = auditor.get("/v1/standing").json()
    assert told["feed"]["head"] == before["feed"]["head"] + 1
    assert told["log"]["size"] + told["log"]["waiting"] >= before["log"]["size"] + before["log"]["waiting"] + 2
    assert told["schema"] == told["schema_known"] == migrate.head()
    assert told["replica"] == before["replica"]
    assert told["as_of"] > before["as_of"]


def test_every_pack_comes_with_its_licence(auditor: TestClient) -> None:
    told = {one["name"]: one for one in auditor.get("/v1/standing").json()["packs"]}
    assert set(told) == {pack.name for pack in catalogue.packs()}
    for pack in catalogue.packs():
        assert told[pack.name]["purpose_words"] == {"zh": pack.purpose_zh, "en": pack.purpose}
        one = told[pack.name]
        assert one["licence"] == pack.licence
        assert one["research_only"] is pack.research_only
        assert (one["state"] == "missing") == (not (store.pack_folder(pack.name) / store.MANIFEST).exists())
        if one["state"] == "installed":
            assert all(file["sha256"] for file in one["files"])

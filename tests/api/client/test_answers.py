"""The client's types against the OpenAPI document: all that the service says, and nothing else."""

from typing import Any, get_args

import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter, ValidationError

from api.client.answers import base, cards, oversight, verifications
from api.client.answers.base import Told

# The document's names, where they are others.
NAMES: dict[type[Told], str] = {
    base.Inclusion: "InclusionAnswer",
    base.Receipt: "ReceiptAnswer",
    cards.Alert: "AlertAnswer",
    cards.Enrolled: "EnrolledModality",
    cards.EventReported: "DeathRecorded",
    cards.Held: "HeldTemplate",
    cards.Impostor: "ImpostorAnswer",
    cards.RegisteredCard: "CardAnswer",
    oversight.Change: "FeedEventAnswer",
    oversight.Consistency: "ConsistencyAnswer",
    oversight.Institution: "InstitutionAnswer",
    oversight.Leaf: "LeafAnswer",
    oversight.Leaves: "LeavesAnswer",
    oversight.LogStatus: "StatusAnswer",
    oversight.Override: "OverrideAnswer",
    verifications.Action: "ActionAnswer",
    verifications.Assessed: "ModalityAnswer",
    verifications.Box: "BoxAnswer",
    verifications.Challenge: "ChallengeAnswer",
    verifications.Check: "CheckAnswer",
    verifications.Consent: "ConsentAnswer",
    verifications.DecisionWords: "Words",
    verifications.Document: "DocumentAnswer",
    verifications.FrameAdvice: "AdviceAnswer",
    verifications.Guidance: "GuidanceAnswer",
    verifications.Liveness: "LivenessAnswer",
    verifications.Nonce: "NonceAnswer",
    verifications.Person: "PersonAnswer",
    verifications.Screening: "ScreeningAnswer",
    verifications.Transaction: "TransactionAnswer",
    verifications.Verification: "VerificationAnswer",
}
LEFT_AS_TOLD = {"register", "details"}
ABSTRACT = {base.Told, base.Evident, base.Page, base.Items}
ROOMS = (base, cards, oversight, verifications)
MODELS = sorted(
    {
        one
        for room in ROOMS
        for one in vars(room).values()
        if isinstance(one, type) and issubclass(one, Told) and one not in ABSTRACT
    },
    key=lambda one: one.__name__,
)


@pytest.fixture(scope="module")
def schemas(app: FastAPI) -> dict[str, Any]:
    found: dict[str, Any] = app.openapi()["components"]["schemas"]
    return found


def nullable(schema: dict[str, Any]) -> bool:
    kinds = schema.get("type")
    own = kinds == "null" or (isinstance(kinds, list) and "null" in kinds)
    return own or any(map(nullable, schema.get("anyOf", ())))


def takes_none(annotation: Any) -> bool:
    try:
        TypeAdapter(annotation).validate_python(None)
    except ValidationError:
        return False
    return True


def parts(annotation: Any) -> set[str]:
    """The document's names of the client's types in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, Told):
        return {NAMES.get(annotation, annotation.__name__)}
    return {one for inner in get_args(annotation) for one in parts(inner)}


def referred(schema: Any) -> set[str]:
    """What a field's schema refers to."""
    if isinstance(schema, list):
        return {one for inner in schema for one in referred(inner)}
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"].rpartition("/")[2]} if "$ref" in schema else set()
    return own | {one for inner in schema.values() for one in referred(inner)}


@pytest.mark.parametrize("model", MODELS, ids=lambda one: one.__name__)
def test_it_is_the_documents(schemas: dict[str, Any], model: type[Told]) -> None:
    schema = schemas[NAMES.get(model, model.__name__)]
    served, fields = schema["properties"], {one.alias or name: one for name, one in model.model_fields.items()}
    assert set(fields) == set(served)
    for told, field in fields.items():
        assert takes_none(field.annotation) or not nullable(served[told]), told
        assert told in schema.get("required", ()) or not field.is_required(), told
        # Codes are texts for the client, and what the register or an alert's details say is left as it came.
        objects = {one for one in referred(served[told]) if "properties" in schemas[one]}
        assert parts(field.annotation) in (objects, set() if told in LEFT_AS_TOLD else objects), told


def test_every_answer_is_looked_at() -> None:
    assert {NAMES.get(one, one.__name__) for one in MODELS} >= {"VerificationAnswer", "CardRegistered", "FeedPage"}
    assert len(MODELS) > 45

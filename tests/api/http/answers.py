"""What every error answer has to be."""

from typing import Any

from api.errors import catalogue

# What must not come back: marks that the tests put into what they send, and traces of the program.
MARK = "EchoMe"
TRACES = ("Traceback", "site-packages", 'File "', "psycopg", "sqlalchemy", "pydantic", MARK)


def assert_error(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The one form, in Chinese and English, with nothing of the request or the program in it; gives the answer."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    entry = catalogue()[code]
    assert body["code"] == code, answer.text
    assert entry.http == status
    assert set(body) - {"details"} == {"code", "message", "operator", "retryable", "request_id"}
    assert body["message"] == {"zh": entry.message.zh, "en": entry.message.en}
    assert body["operator"] == {"zh": entry.operator.zh, "en": entry.operator.en}
    assert body["retryable"] is entry.retryable
    assert body["request_id"] == answer.headers["x-request-id"]
    for detail in body.get("details", []):
        assert set(detail) == {"field", "code"}
        assert detail["code"] in catalogue()
    assert not [trace for trace in TRACES if trace in answer.text]
    return body

"""Requests as MOSIP's client and its collection of examples send them, and a client for the application."""

import base64
import json
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from api.biosdk.app import Guard, create_app
from api.biosdk.engines import Engines
from tests.biometrics.pictures import encode

GUARD = Guard(max_body_bytes=4 * 1024 * 1024, threads=2, most_wait_s=600)
FORMATS = {"FINGER": "7", "FACE": "8", "IRIS": "9"}


def numbers(data: bytes) -> list[int]:
    """Bytes as Java sends them: signed."""
    return [int(one) for one in np.frombuffer(data, np.int8)]


def segment(kind: str, data: bytes, *subtype: str, as_text: bool = False, **others: str) -> dict[str, Any]:
    """A segment with everything that MOSIP puts into one."""
    moment = {
        "date": {"year": 2022, "month": 11, "day": 10},
        "time": {"hour": 18, "minute": 11, "second": 55, "nano": 0},
    }
    return {
        "version": {"major": 1, "minor": 1},
        "cbeffversion": {"major": 1, "minor": 1},
        "birInfo": {"creator": None, "index": None, "payload": None, "integrity": False, "creationDate": None},
        "bdbInfo": {
            "challengeResponse": None,
            "index": None,
            "format": {"organization": "Mosip", "type": FORMATS.get(kind, "0")},
            "encryption": None,
            "creationDate": moment,
            "type": [kind],
            "subtype": list(subtype),
            "level": "RAW",
            "purpose": "ENROLL",
            "quality": {"algorithm": {"organization": "HMAC", "type": "SHA-256"}, "score": 100},
        },
        "bdb": base64.b64encode(data).decode() if as_text else numbers(data),
        "sb": [],
        "sbInfo": None,
        "others": others or {"EXCEPTION": "false"},
    }


def record(*segments: dict[str, Any]) -> dict[str, Any]:
    """A BiometricRecord."""
    return {
        "version": {"major": 1, "minor": 1},
        "cbeffversion": {"major": 1, "minor": 1},
        "birInfo": {"integrity": False},
        "segments": list(segments),
        "others": {},
    }


def wrapped(inner: Any, version: str = "1.0") -> dict[str, str]:
    """The body of a request."""
    return {"version": version, "request": base64.b64encode(json.dumps(inner).encode()).decode()}


class Mosip:
    """MOSIP's client, against an application in this process."""

    def __init__(self, engines: Engines, guard: Guard = GUARD) -> None:
        self.http = TestClient(create_app(engines, guard), raise_server_exceptions=False)

    def ask(self, name: str, inner: Any) -> dict[str, Any]:
        """What the service answers; it has to be in the form that MOSIP's client reads."""
        answer = self.http.post(f"/biosdk-service/{name}", json=wrapped(inner))
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        assert set(told) == {"version", "responsetime", "response", "errors"}
        assert told["version"] == "1.0"
        assert told["responsetime"].endswith("Z")
        return told

    def done(self, name: str, inner: Any) -> Any:
        """What an operation gave that went well."""
        told = self.ask(name, inner)
        assert told["errors"] == []
        assert (told["response"]["statusCode"], told["response"]["statusMessage"]) == (200, "OK")
        return told["response"]["response"]

    def status(self, name: str, inner: Any) -> int:
        """The status of an operation that did not."""
        told = self.ask(name, inner)
        assert told["errors"] == []
        assert told["response"]["response"] is None
        status: int = told["response"]["statusCode"]
        assert status != 200
        return status

    def refused(self, name: str, inner: Any, status: int, code: str) -> None:
        """An operation that is not begun: a status of HTTP's, and a code of ours."""
        answer = self.http.post(f"/biosdk-service/{name}", json=wrapped(inner))
        told = answer.json()
        assert (answer.status_code, [one["code"] for one in told["errors"]]) == (status, [code])
        assert told["response"] == ""
        assert told["errors"][0]["message"]

    def match(self, sample: dict[str, Any], *gallery: dict[str, Any], kinds: Any = None) -> list[dict[str, str]]:
        """Of each record of the gallery: the decision on each modality."""
        inner = {"sample": sample, "gallery": list(gallery), "modalitiesToMatch": kinds, "flags": {}}
        found = self.done("match", inner)
        assert [one["galleryIndex"] for one in found] == list(range(len(gallery)))
        return [{kind: told["match"] for kind, told in one["decisions"].items()} for one in found]


def square(shade: int) -> bytes:
    """A picture of person `shade`, for engines that recognise shades."""
    return encode(np.full((64, 64), shade, np.uint8))


NOBODY, BLURRED, BREAKS = 0, 1, 2
SECRET = "11010519491231002X"


def face(shade: int) -> dict[str, Any]:
    """A segment with the picture of a face, in no record."""
    return segment("FACE", square(shade))


def finger(shade: int, *subtype: str) -> dict[str, Any]:
    """A segment with the picture of a finger, in no record."""
    return segment("FINGER", square(shade), *subtype)

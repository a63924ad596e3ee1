"""Every decoder of what comes from outside: sound files to begin from, how it is called, and what it may raise."""

import base64
import contextlib
import functools
import gzip
import json
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image as Pillow
from pydantic import BaseModel, TypeAdapter, ValidationError

from api.biosdk import records, requests
from api.biosdk.statuses import OperationFailed, RequestRefused
from api.cards import text_block
from api.cards.bulk import reading
from api.cards.bulk.columns import COLUMNS
from api.cards.schemas import CardRegistration
from api.evaluation import evidence as site_evidence
from api.evaluation import files as score_files
from api.evidence import checkpoints
from api.http import fields
from api.reader import messages
from api.storage import sealing
from api.storage.errors import SealBroken
from api.terminal import journal, remote
from api.terminal.snapshot import HEAD_BYTES, SnapshotRefused, open_snapshot
from api.verification import policy
from api.verification.schemas import VerificationBody
from biometrics import gallery, images
from biometrics.errors import BiometricError, InvalidImage, InvalidRecord, InvalidTemplate
from biometrics.face import FaceTemplate, Transform
from biometrics.face import interchange as face_records
from biometrics.face.statistics import Statistics, StatisticsError
from biometrics.finger import FingerTemplate
from biometrics.finger.interchange import Format, View, embedding, read, write
from biometrics.finger.interchange import pictures as finger_records
from biometrics.interchange import bir_xml
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.errors import CalibrationError
from models import store, tensors
from models.errors import ModelError
from tests.api.biosdk import mosip
from tests.api.bodies import registration, verification
from tests.api.terminal.worlds import World
from tests.biometrics.face.interchange.golden import GOLDEN as FACE_RECORDS
from tests.biometrics.finger.interchange.golden import CARDS, GOLDEN, RECORDS
from tests.biometrics.finger.interchange.golden_pictures import GOLDEN as FINGER_RECORDS
from tests.biometrics.finger.points import random_finger
from tests.biometrics.interchange.golden import AS_MOSIP_WRITES_IT
from tests.biometrics.pictures import FORMATS, encode, scene

_WSQ = Path(__file__).parents[1] / "biometrics" / "wsq" / "finger_150x64.wsq"
_ORIGIN = "renzheng.test"
_ENGINE = "sface-2"
# The seeds are the same in every run, for a failure to be met again.
_CARD = {
    "number": "11010519491231002X",
    "issuer": "北京市公安局朝阳分局",
    "valid_from": "2016-03-01",
    "valid_to": "2036-03-01",
}
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_LEAF = {
    "v": 4,
    "kind": "verification",
    "at": "2026-11-22T01:00:00+00:00",
    "decision": "PASS",
    "institution": "a",
    "terminal": "b",
    "channel": "counter",
    "purpose": "test",
    "engines": [_ENGINE],
    "policy_version": "1+0",
    "calibrations": {_ENGINE: "1+0"},
    "person": {"llr": 5.0, "modalities": [{"modality": "face", "status": "assessed", "llr": 5.0}]},
}
_MESSAGES = [
    b'{"type": "hello", "versions": [1]}',
    b'{"type": "capture_finger", "request": "a", "position": "right_index", "timeout_ms": 5000}',
    b'{"type": "cancel_finger", "request": "a"}',
]


def _card(**changes: Any) -> dict[str, Any]:
    return {**_CARD, **changes}


@dataclass(frozen=True)
class Decoder:
    """`mended` makes the sums right again that a file carries of itself: else little would get past them.

    `share`: how many runs of every four it gets.
    """

    name: str
    seeds: Sequence[bytes]
    decode: Callable[[bytes], object]
    refuses: tuple[type[Exception], ...]
    mended: Callable[[bytes], bytes] | None = None
    share: int = 4


def decoders(folder: Path) -> list[Decoder]:
    """All of them; `folder` takes the files of those that read files."""
    return [
        *_pictures(),
        *_templates(),
        *_interchange(),
        *_requests(),
        *_terminals(),
        *_of_the_log(),
        *_operators_files(folder),
    ]


def _pictures() -> list[Decoder]:
    coloured = [encode(scene(), kind) for kind in FORMATS]
    odd = [
        encode(scene(), "JPEG", progressive=True, exif=Pillow.Exif()),
        encode(Pillow.fromarray(scene()).convert("P"), "PNG", transparency=3),
        encode(scene(), "TIFF", compression="tiff_lzw"),
        encode(Pillow.fromarray(scene()).convert("1"), "TIFF", compression="group4"),
    ]
    pngs = [encode(scene()), encode(Pillow.fromarray(scene()).convert("P")), encode(scene(), dpi=(500, 500))]
    return [
        Decoder("pictures", [*coloured, *odd], images.decode, (InvalidImage,)),
        Decoder("PNG with sound sums", pngs, images.decode, (InvalidImage,), _with_sums_of_png),
        Decoder("WSQ", [_WSQ.read_bytes()], images.decode, (InvalidImage,)),
    ]


def _with_sums_of_png(data: bytes) -> bytes:
    copy, at = bytearray(data), 8
    while at + 12 <= len(copy):
        (length,) = struct.unpack_from(">I", copy, at)
        if at + 12 + length > len(copy):
            break
        struct.pack_into(">I", copy, at + 8 + length, zlib.crc32(copy[at + 4 : at + 8 + length]))
        at += 12 + length
    return bytes(copy)


def _templates() -> list[Decoder]:
    finger = random_finger(2, 20)
    records = [*GOLDEN.values(), *(write([finger, finger], form) for form in RECORDS)]
    cards = [write([finger], form) for form in (*CARDS, Format.OWN, Format.OWN_COMPACT)]
    face = FaceTemplate.of(_ENGINE, np.random.default_rng(0).normal(size=128), 77)
    faces = [face.to_bytes(), Transform("one", bytes(32)).turn(face).to_bytes()]
    return [
        Decoder("minutiae of all formats", [*records, *cards], read, (InvalidTemplate,)),
        Decoder("finger templates", [finger.to_bytes()], FingerTemplate.from_bytes, (InvalidTemplate,)),
        Decoder("face templates", faces, FaceTemplate.from_bytes, (InvalidTemplate,)),
    ]


def _interchange() -> list[Decoder]:
    """What other systems hold: records of pictures, templates in records, envelopes."""
    finger = random_finger(2, 20)
    envelope = bir_xml.write(bir_xml.read(AS_MOSIP_WRITES_IT))
    person = mosip.record(mosip.face(50), mosip.segment("FINGER", bytes(30), "Left", "Thumb", as_text=True))
    return [
        Decoder("records of faces", [*FACE_RECORDS.values()], face_records.read, (InvalidRecord,)),
        Decoder("records of finger pictures", [*FINGER_RECORDS.values()], _grey, (InvalidRecord, InvalidImage)),
        Decoder("templates in records", [embedding.write(View(finger))], embedding.read, (InvalidTemplate,)),
        Decoder("envelopes", [AS_MOSIP_WRITES_IT, envelope], bir_xml.read, (InvalidRecord,)),
        Decoder(
            "requests of MOSIP",
            [json.dumps({"sample": person}).encode()],
            _sample,
            (RequestRefused, OperationFailed),
            share=2,
        ),
    ]


def _grey(data: bytes) -> None:
    for one in finger_records.read(data):
        # The bytes in the records made by hand are no picture, and are told to be none.
        with contextlib.suppress(InvalidImage):
            one.grey()


def _sample(data: bytes) -> object:
    body = {"version": "1.0", "request": base64.b64encode(data).decode()}
    return records.read(requests.opened(json.dumps(body).encode()).get("sample"), "sample")


def _requests() -> list[Decoder]:
    block = text_block.build(
        text_block.CardText(
            "王伟",
            "1",
            "01",
            "19491231",
            "北京市朝阳区",
            _CARD["number"],
            _CARD["issuer"],
            date(2016, 3, 1),
            date(2036, 3, 1),
        )
    )
    fixed = {"nonce": "0123456789abcdef", "captured_at": "2026-11-22T09:00:00+08:00"}
    base64_of = TypeAdapter(fields.Base64).validate_python
    verifications = [
        {**verification(_card(text=base64.b64encode(block).decode()), chip_photo="person:a"), **fixed},
        {**verification(_card(valid_to=None), fingers={"right_index": "person:a"}), **fixed},
    ]
    return [
        Decoder("256-byte text block", [block], text_block.parse, (text_block.TextBlockInvalid,)),
        Decoder(
            "base64",
            [base64.b64encode(bytes(range(256))), b"YWI=", b""],
            lambda data: base64_of(data.decode("utf-8", "surrogateescape")),
            (ValidationError,),
        ),
        _body("bodies of verifications", VerificationBody, verifications),
        _body("bodies of registrations", CardRegistration, [registration(_card(), right_index="person:a")]),
    ]


def _body(name: str, model: type[BaseModel], bodies: list[Any]) -> Decoder:
    # As the door does: JSON first, then the form. What is no JSON is refused before (tests/api/http/test_body.py).
    def decode(data: bytes) -> object:
        return model.model_validate(json.loads(data))

    return Decoder(name, [json.dumps(body).encode() for body in bodies], decode, (ValueError, RecursionError))


def _terminals() -> list[Decoder]:
    world = World(signing=_KEY, deployment=UUID(int=1))
    for number in range(5):
        world.change(number, True)
    deltas = b"".join(world.delta(seq).packed() for seq in range(1, 6))
    page = {
        "as_of": world.time.isoformat(),
        "head": 5,
        "key_id": "0" * 16,
        "more": False,
        "events": [{"tag": "00" * 16, "seq": 5, "invalid": True, "status": "card_reported_lost"}],
    }

    def signed(raw: bytes) -> bytes:
        """As somebody would who holds the service's key."""
        if len(raw) < HEAD_BYTES:
            return raw
        told = raw[: HEAD_BYTES - 72] + sound[HEAD_BYTES - 72 : HEAD_BYTES - 64]
        return told + world.signing.sign(b"renzheng snapshot v1\n" + told) + raw[HEAD_BYTES:]

    sound = world.snapshot()
    opened = functools.partial(open_snapshot, signers=world.signers)
    return [
        Decoder("snapshots", [sound], opened, (SnapshotRefused,), share=1),
        Decoder("snapshots signed after the damage", [sound], opened, (SnapshotRefused,), signed),
        Decoder("journals", [deltas], _journal, (), _with_sums_of_journal),
        Decoder(
            "pages of the feed",
            [json.dumps(page).encode()],
            lambda data: remote._told(remote._parsed(data)),
            (remote.RemoteFailed,),
        ),
        Decoder("messages of pages to the reader", _MESSAGES, messages.parse, (messages.MessageInvalid,)),
    ]


def _journal(data: bytes) -> list[journal.Delta]:
    return list(journal.read(data))


def _with_sums_of_journal(data: bytes) -> bytes:
    whole = len(data) // journal.RECORD_BYTES * journal.RECORD_BYTES
    records = [data[at : at + journal.RECORD_BYTES - 4] for at in range(0, whole, journal.RECORD_BYTES)]
    return b"".join(one + struct.pack(">I", zlib.crc32(one)) for one in records) + data[whole:]


def _of_the_log() -> list[Decoder]:
    master = bytes(32)
    note = checkpoints.sign(checkpoints.Checkpoint(_ORIGIN, 7, bytes(32), 3), _KEY)

    def signed(data: bytes) -> bytes:
        """The damaged text with a signature that holds."""
        body = data.decode("utf-8", "replace").partition("\n\n")[0] + "\n"
        own = checkpoints.key_hash(_ORIGIN, _KEY.public_key())
        line = checkpoints._line(_ORIGIN, own, _KEY.sign(body.encode()))
        return f"{body}\n{line}".encode()

    def opened(data: bytes) -> object:
        return checkpoints.open_note(data.decode("utf-8", "replace"), _ORIGIN, [_KEY.public_key()])

    return [
        Decoder("checkpoints", [note.encode()], opened, (checkpoints.CheckpointInvalid,), share=1),
        Decoder(
            "checkpoints signed after the damage", [note.encode()], opened, (checkpoints.CheckpointInvalid,), signed
        ),
        Decoder(
            "sealed envelopes",
            [sealing.seal(master, b"template", "card")],
            lambda data: sealing.unseal(master, data, "card"),
            (SealBroken,),
            share=1,
        ),
    ]


def _operators_files(folder: Path) -> list[Decoder]:
    calibration = Calibration.load(_ENGINE).to_json().encode()
    statistics = Statistics.load(_ENGINE).to_bytes()
    small = tensors.dumps({"a": np.ones((2, 3), np.float32), "b": np.zeros(1, np.float32)}, {"facts": "{}"})
    card = _card()
    heading, row = ",".join(card), ",".join(str(value) for value in card.values())
    scores = b"reference,probe,mated,score\na,b,1,0.5\na,c,0,fta\n"
    unusable = (reading.FileUnusable,)
    return [
        Decoder(
            "calibrations", [calibration], lambda data: Calibration.from_json(_text(data), _ENGINE), (CalibrationError,)
        ),
        Decoder("tensors", [small], tensors.loads, (ValueError,)),
        Decoder(
            "statistics of faces",
            [statistics],
            lambda data: Statistics.from_bytes(data, _ENGINE),
            (StatisticsError,),
            share=1,
        ),
        Decoder(
            "policies",
            [files("api.verification").joinpath("policy.toml").read_bytes()],
            _from_file(folder / "policy.toml", policy.load),
            (policy.PolicyInvalid,),
            share=2,
        ),
        Decoder("files of scores", [scores], _from_file(folder / "scores.csv", score_files.read_scores), (ValueError,)),
        Decoder("cards as CSV", [f"{heading}\n{row}\n".encode()], _rows(folder / "cards.csv"), unusable),
        Decoder("cards as JSON Lines", [json.dumps(card).encode() + b"\n"], _rows(folder / "cards.jsonl"), unusable),
        Decoder(
            "cards as gzipped CSV",
            [gzip.compress(f"{heading}\n{row}\n".encode(), mtime=0)],
            _rows(folder / "cards.csv.gz"),
            unusable,
        ),
        Decoder("cards as Parquet", [_parquet(folder, card)], _rows(folder / "cards.parquet"), unusable, share=2),
        Decoder(
            "leaves of a site",
            [json.dumps({"place": 0, "leaf": json.dumps(_LEAF)}).encode() + b"\n", json.dumps(_LEAF).encode()],
            _from_file(folder / "leaves.jsonl", site_evidence.read_site),
            (score_files.FileMalformed,),
        ),
        _manifests(folder / "packs" / "sface"),
        _galleries(folder / "gallery"),
    ]


def _manifests(folder: Path) -> Decoder:
    told = {
        "pack": "sface",
        "version": "1",
        "licence": "Apache-2.0",
        "source": "a registry",
        "source_sha256": None,
        "converter": 1,
        "files": {"sface.onnx": {"file": "sface.onnx", "sha256": "0" * 64, "size": 5}},
    }
    folder.mkdir(parents=True)
    call = _from_file(folder / "manifest.json", lambda path: store.read_manifest("sface", path.parents[2]))
    return Decoder("manifests of packs", [json.dumps(told).encode()], call, (ModelError,), share=2)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _from_file(path: Path, call: Callable[[Path], object]) -> Callable[[bytes], object]:
    def decode(data: bytes) -> object:
        path.write_bytes(data)
        return call(path)

    return decode


def _rows(path: Path) -> Callable[[bytes], object]:
    def decode(data: bytes) -> object:
        path.write_bytes(data)
        reading.count(path)
        return sum(1 for _ in reading.rows(path))

    return decode


def _parquet(folder: Path, card: dict[str, Any]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    assert card.keys() <= set(COLUMNS)
    path = folder / "sound.parquet"
    pyarrow.parquet.write_table(pyarrow.table({name: [value] * 3 for name, value in card.items()}), path)
    return path.read_bytes()


def _galleries(folder: Path) -> Decoder:
    """The manifest of a snapshot; its other files are those of the sums that it states."""
    vectors = np.random.default_rng(1).normal(size=(5, 128)).astype(np.float32)
    made = gallery.Gallery.of("test-1", np.arange(5), vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    gallery.save(made, folder)
    manifest = folder / "manifest.json"
    return Decoder(
        "snapshots of galleries",
        [manifest.read_bytes()],
        _from_file(manifest, lambda path: gallery.load(path.parent, "test-1")),
        (BiometricError,),
        share=2,
    )

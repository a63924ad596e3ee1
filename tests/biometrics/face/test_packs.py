from __future__ import annotations

import hashlib
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from biometrics.errors import IncompatibleTemplates
from biometrics.face import FaceEngine, FaceTemplate, Statistics
from biometrics.face.packs import Description, PackError, open_engine
from models import ResearchOnlyWarning
from tests.biometrics.face.conftest import Group
from tests.biometrics.pictures import encode

BUFFALO = Path(__file__).resolve().parents[4] / "shared" / "models" / "insightface" / "buffalo_sc"


def network(dimensions: int = 64) -> bytes:
    """An embedder that takes the means of an 8 x 8 grid of blocks of the first channel, and repeats them."""
    helper = onnx.helper
    given = helper.make_tensor_value_info("face", onnx.TensorProto.FLOAT, [1, 3, 112, 112])
    made = helper.make_tensor_value_info("vector", onnx.TensorProto.FLOAT, [1, dimensions])
    weights = np.zeros((dimensions // 64, 3, 14, 14), np.float32)
    weights[:, 0] = 1 / 196
    nodes = [
        helper.make_node("Conv", ["face", "weights"], ["grid"], kernel_shape=[14, 14], strides=[14, 14]),
        helper.make_node("Flatten", ["grid"], ["vector"]),
    ]
    constant = onnx.numpy_helper.from_array(weights, "weights")
    graph = helper.make_graph(nodes, "grid", [given], [made], [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def written(folder: Path, *, dimensions: int = 64, net: bytes | None = None, **changes: object) -> Path:
    data = network(dimensions) if net is None else net
    (folder / "net.onnx").write_bytes(data)
    facts: dict[str, object] = {
        "name": "grid", "version": 3, "licence": "MIT", "file": "net.onnx",
        "sha256": hashlib.sha256(data).hexdigest(), "dimensions": dimensions, "mirror": False,
    }  # fmt: skip
    facts |= changes
    lines = [
        f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}" for key, value in facts.items()
    ]
    (folder / "grid.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder / "grid.toml"


def test_any_embedder_makes_templates_of_its_own_kind(engine: FaceEngine, group: Group, tmp_path: Path) -> None:
    own = open_engine(str(written(tmp_path)))
    made = own.extract(encode(group.portrait(3)))
    assert (own.engine, made.engine) == ("grid-3", "grid-3")
    assert made.vector.shape == (64,)
    assert FaceTemplate.from_bytes(made.to_bytes()).to_bytes() == made.to_bytes()
    assert own.compare(made, made) == pytest.approx(1, abs=1e-3)
    default = engine.extract(encode(group.portrait(3)))
    for comparer in (own, engine):
        with pytest.raises(IncompatibleTemplates):
            comparer.compare(made, default)


def test_preprocessing_is_what_the_file_says(group: Group, tmp_path: Path) -> None:
    """The grid network shows what it was given: the chosen channel, less the mean, times the scale."""
    crop = np.zeros((112, 112, 3), np.uint8)
    crop[..., 0], crop[..., 2] = 100, 200
    for channels, value in (("RGB", 100), ("BGR", 200)):
        own = open_engine(str(written(tmp_path, channels=channels, mean=20.0, scale=0.5)))
        np.testing.assert_allclose(own._recogniser(crop), (value - 20) * 0.5, rtol=1e-4)


def test_statistics_of_its_own_are_applied(group: Group, tmp_path: Path) -> None:
    mean = np.linspace(-0.1, 0.1, 64).astype(np.float32)
    (tmp_path / "own.safetensors").write_bytes(Statistics("grid-3", mean, np.eye(64, dtype=np.float32), {}).to_bytes())
    bare, moved = (open_engine(str(written(tmp_path, **more))) for more in ({}, {"statistics": "own.safetensors"}))  # type: ignore[arg-type]
    first, second = (one.extract(encode(group.portrait(3))).vector for one in (bare, moved))
    expected = (first - mean) / np.linalg.norm(first - mean)
    np.testing.assert_allclose(second, expected, atol=2e-3)


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "0" * 64},
        {"dimensions": 65},
        {"dimensions": 2048},
        {"channels": "GBR"},
        {"file": "nothing.onnx"},
        {"statistics": "nothing.safetensors"},
        {"name": "a" * 40},
        {"version": "one"},
        {"unknown": 1},
    ],
)
def test_a_description_that_is_off_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    path = written(tmp_path)
    path.write_text(written(tmp_path, **changes).read_text(encoding="utf-8"), encoding="utf-8")  # type: ignore[arg-type]
    with pytest.raises(PackError) as caught:
        open_engine(str(path))
    assert caught.value.code == "face_pack_unusable"


def test_a_network_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="cannot be opened"):
        open_engine(str(written(tmp_path, net=b"no network")))
    for path in (tmp_path / "nothing.toml", tmp_path / "net.onnx"):
        with pytest.raises(PackError):
            Description.read(path)


def test_a_network_of_another_length_is_noticed(tmp_path: Path, group: Group) -> None:
    own = open_engine(str(written(tmp_path, net=network(64), dimensions=128)))
    with pytest.raises(PackError, match="makes 64 numbers"):
        own.extract(encode(group.portrait(3)))


def test_a_licence_is_said_at_every_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    open_engine(str(written(tmp_path)))
    assert "grid-3 (MIT)" in caplog.text
    with pytest.warns(ResearchOnlyWarning, match="grid-3"):
        open_engine(str(written(tmp_path, research_only=True)))


def test_the_default_pack_is_the_default_engine() -> None:
    assert open_engine("sface").engine == FaceEngine.engine


def test_a_pack_of_insightface_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="no pack 'antelopev2'"):
        open_engine("insightface:antelopev2", tmp_path)


def test_insightface_is_imported_only_for_its_packs() -> None:
    script = "import sys, biometrics.face.packs; print('insightface' in sys.modules, 'onnx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def resized(portrait: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(Pillow.fromarray(portrait).resize((side, side), Pillow.Resampling.BICUBIC))


@pytest.mark.shared_data
def test_buffalo_sc_recognises_people_through_the_package(group: Group, tmp_path: Path, engine: FaceEngine) -> None:
    if not BUFFALO.is_dir():
        pytest.skip("InsightFace's stand-ins are not beside the checkout: its packs are not tested")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "buffalo_sc").symlink_to(BUFFALO)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the packages that insightface imports
        with pytest.warns(ResearchOnlyWarning, match="research only"):
            own = open_engine("insightface:buffalo_sc", tmp_path)
        assert own.engine == "insightface-buffalo_sc-1"
        large, small = ([own.extract_pixels(resized(group.portrait(i), side)) for i in range(6)] for side in (300, 130))
    assert large[0].vector.shape == (512,)
    scores = np.array([[own.compare(a, b) for a in large] for b in small])
    assert scores.diagonal().min() > 0.5
    assert scores[~np.eye(6, dtype=bool)].max() < 0.35
    scene = np.full((1500, 2000, 3), 128, np.uint8)
    scene[700:800, 900:1000] = resized(group.portrait(3), 100)
    assert len(own.detect(scene)) == 1, "seen only at the second, larger look"
    assert own.detect(np.zeros((300, 300, 3), np.uint8)) == []
    with pytest.raises(IncompatibleTemplates):
        engine.compare(large[0], large[0])

from __future__ import annotations

import re

import pytest

from models import catalogue, conversion
from models.catalogue import DirectorySource, Pack, RegistrySource
from models.errors import UnknownPack

PACKS = {pack.name: pack for pack in catalogue.packs()}
SHA256 = re.compile(r"[0-9a-f]{64}")


@pytest.fixture(params=list(PACKS))
def pack(request: pytest.FixtureRequest) -> Pack:
    return PACKS[request.param]


def test_a_pack_says_what_it_is_for_and_under_which_licence(pack: Pack) -> None:
    assert pack.purpose.isascii()
    assert any("\u4e00" <= character <= "\u9fff" for character in pack.purpose_zh)
    assert pack.version
    assert re.search(r"Apache-2\.0|MIT|research only", pack.licence)
    assert pack.research_only == ("research only" in pack.licence)


def test_every_network_has_an_input_contract(pack: Pack) -> None:
    assert len({file.name for file in pack.files}) == len(pack.files)
    networks = [file for file in pack.files if file.input is not None]
    assert networks
    assert {file.suffix for file in networks} == {".onnx"}
    for file in networks:
        assert file.input is not None
        assert file.input.name
        assert len(file.input.shape) == 4
        assert all((isinstance(n, int) and n > 0) or (isinstance(n, str) and n) for n in file.input.shape)
        assert file.input.meaning


def test_weights_without_a_network_have_no_input_and_another_ending() -> None:
    weights = PACKS["leader"].file("weights")
    assert weights.input is None
    assert weights.suffix == ".safetensors"


def test_bytes_are_pinned_unless_the_pack_is_for_research(pack: Pack) -> None:
    for file in pack.files:
        for pinned in (file.member_sha256, file.sha256):
            assert (pinned is None) if pack.research_only else SHA256.fullmatch(str(pinned))
        assert file.conversion in {"keep", *conversion.RECIPES}
        if file.conversion == "keep":
            assert file.sha256 == file.member_sha256


def test_what_comes_from_the_index_is_pinned_and_the_rest_names_its_origin(pack: Pack) -> None:
    if isinstance(pack.source, RegistrySource):
        assert SHA256.fullmatch(pack.source.sha256)
        assert pack.source.size > 0
        assert f"-{pack.version}" in pack.source.filename
    else:
        assert isinstance(pack.source, DirectorySource)
        assert pack.source.origin


def test_the_default_packs_can_be_fetched_and_used_commercially() -> None:
    assert {pack.name for pack in catalogue.default_packs()} == {"sface", "leader"}
    for pack in catalogue.default_packs():
        assert not pack.research_only
        assert pack.source.kind == "registry"


def test_an_unknown_pack_is_told_which_ones_there_are() -> None:
    with pytest.raises(UnknownPack, match=r"sface, leader.*renzheng models list") as caught:
        catalogue.find("buffalo")
    assert caught.value.code == "pack_unknown"


def test_an_unknown_file_is_told_which_ones_there_are() -> None:
    with pytest.raises(UnknownPack, match=r"has no file 'face'\. It has: yunet, sface"):
        catalogue.find("sface").file("face")

"""Every command of the pages, executed in its page's order as a reader would; see `walks.py`."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.demo.material import MaterialMissing
from models.errors import ModelError
from tests.docs import reader
from tests.docs.pages import statements
from tests.docs.site import Site, end
from tests.docs.walks import WALKS, Walk, reason_not_to

pytestmark = pytest.mark.long

ENDLESS_S = 15
AWAITED = (
    'for ((tries = 0; tries < 900; tries++)); do curl -sf "$RENZHENG_URL/readyz" > /dev/null && break; sleep 0.2; done;'
    ' curl -sf "$RENZHENG_URL/readyz" > /dev/null || { cat serving.log; false; }'
)


@pytest.fixture(scope="module", autouse=True)
def _somebody() -> None:
    try:
        reader.people()
    except (MaterialMissing, ModelError) as error:
        pytest.skip(f"nobody whose card could be registered: {error}")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One service for the pages that do not mind what others did there."""
    site = Site.made(tmp_path_factory.mktemp("checkout"))
    try:
        serving = site.serve()
        yield site
        end(serving)
    finally:
        site.close()


@pytest.fixture
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Walk], Site]]:
    """The site of a walk: a checkout of its own, or the shared one."""
    made: list[Site] = []

    def choose(walk: Walk) -> Site:
        if not walk.own:
            site: Site = request.getfixturevalue("shared")
            site.variables.clear()
            return site
        made.append(Site.made(tmp_path))
        return made[0]

    yield choose
    for site in made:
        site.close()


@pytest.mark.parametrize("page", WALKS)
def test_a_page_can_be_followed(page: str, opened: Callable[[Walk], Site]) -> None:
    walk = WALKS[page]
    site = opened(walk)
    serving = site.serve() if walk.own and not walk.serves else None
    try:
        walk.prepare(site)
        done = site.run(script(page, walk, site))
        reached = re.findall(r"^\+\+\+ (\d+)$", done.stdout, re.MULTILINE)
        told = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert done.returncode == 0, f"{page}, at {executed(page)[int(reached[-1])]}\n{told}"
        assert len(reached) == len(executed(page)), told
        walk.check(site, done.stdout)
    finally:
        if serving is not None:
            end(serving)


def executed(page: str) -> list[str]:
    return [one for one in statements(page) if reason_not_to(page, one) is None]


def script(page: str, walk: Walk, site: Site) -> str:
    """The page's commands as one script that ends at the first that fails, and says which it was at."""
    lines = ["set -euo pipefail"]
    for number, command in enumerate(executed(page)):
        lines.append(f"echo; echo '+++ {number}'")
        lines += [does for start, does in walk.between.items() if command.startswith(start)]
        lines.append(_run(command, walk, site))
    return "\n".join(lines)


def _run(command: str, walk: Walk, site: Site) -> str:
    local = command
    for text, other in walk.replaced.items():
        local = local.replace(text, other)
    local = site.here(local)
    if command.startswith(walk.serves or ("\0",)):
        return f"{{\n{local}\n}} > serving.log 2>&1 &\n{AWAITED}"
    if command.startswith(walk.endless or ("\0",)):
        return f"code=0; timeout -s TERM {ENDLESS_S} {local} || code=$?\ntest $code -eq 124 -o $code -eq 143"
    for start, codes in walk.codes.items():
        if command.startswith(start):
            return f"code=0; {{\n{local}\n}} || code=$?\n" + " || ".join(f"test $code -eq {one}" for one in codes)
    return local

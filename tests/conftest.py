"""How property tests draw their examples, and which tests may run side by side.

`make test` draws the same ones every time, so that a change is what makes it fail; `make test-long` draws new ones and
prints how to draw a failing one again. Deadlines are off: on busy cores they would test the machine.
"""

import hypothesis
import pytest

hypothesis.settings.register_profile("same", deadline=None, derandomize=True)
hypothesis.settings.register_profile("new", deadline=None, print_blob=True)
hypothesis.settings.load_profile("same")


@pytest.hookimpl(tryfirst=True)  # before the plugin reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on the shared service run one after the other, in their order: some change what is in its database.

    Whatever else there is runs beside them, a file at a time (`pytest -n`).
    """
    for item in items:
        shared = isinstance(item, pytest.Function) and "service" in item.fixturenames
        item.add_marker(pytest.mark.xdist_group("service" if shared else item.nodeid.partition("::")[0]))

"""Both clients are typed: one method returns, the other is awaited. mypy checks what stands here."""

from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, assert_type
from uuid import UUID

from api.client import AsyncClient, Client, Verification
from api.client.answers import Alert, FoundCard

if TYPE_CHECKING:

    def the_synchronous_one(client: Client, known: UUID) -> None:
        """Never run."""
        assert_type(client.decision(known), Verification)
        assert_type(client.find_cards("11010519491231002X"), list[FoundCard])
        assert_type(client.alerts(open=True), Iterator[Alert])
        client.decision(1)  # type: ignore[arg-type]
        client.alerts(opened=True)  # type: ignore[call-arg]

    async def the_other(client: AsyncClient, known: UUID) -> None:
        """Never run."""
        _ = assert_type(client.decision(known), Coroutine[Any, Any, Verification])
        assert_type(await client.find_cards("11010519491231002X"), list[FoundCard])
        assert_type(client.alerts(), AsyncIterator[Alert])
        client.decision(known).decision  # type: ignore[attr-defined]  # noqa: B018


def test_methods_are_documented() -> None:
    """Where one asks for help, by the client or by its class."""
    client = Client("http://127.0.0.1")
    public = [name for name in dir(Client) if not name.startswith("_") and name not in {"core", "run", "walk", "close"}]
    assert len(public) > 40
    assert [name for name in public if not getattr(Client, name).__doc__ or not getattr(client, name).__doc__] == []
    client.close()

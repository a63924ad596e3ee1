"""A terminal's client of the feed: keeps a filter of the invalid cards, and says how old it is.

    terminal = Terminal("/var/lib/renzheng-terminal", signers, remote=Remote("https://renzheng.example", key))
    terminal.start()
    answer = terminal.check(Card("11010519491231002X", "北京市公安局", "2020-01-01", "2040-01-01"))

Python's standard library and `cryptography`, and nothing else of the service. See docs/offline.md.
"""

from .answer import Answer, Verdict
from .card import Card
from .client import Terminal
from .lock import FolderInUse
from .remote import Remote, RemoteFailed
from .snapshot import SnapshotRefused

__all__ = ["Answer", "Card", "FolderInUse", "Remote", "RemoteFailed", "SnapshotRefused", "Terminal", "Verdict"]

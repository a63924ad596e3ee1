"""Folders of tests that a database server has to reach."""

from pathlib import Path


def open_to_all(folder: Path) -> Path:
    """Let another user into a test's folder: started by root, the embedded server runs as one.

    Opened is what pytest made, from `pytest-of-USER` down; what it was made in stays as it is.
    """
    for part in (folder, *folder.parents):
        part.chmod(0o755)
        if part.name.startswith("pytest-of-"):
            break
    return folder

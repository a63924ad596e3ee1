"""`renzheng signing-key`: the private key that a terminal signs its requests with."""

import base64
import os
from pathlib import Path
from typing import Annotated

import typer

from api.cli.failure import CommandFailed, guarded


@guarded
def signing_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The PEM file to write; it must not be there.")],
) -> None:
    """Make a private key (Ed25519) for signed requests, readable by its owner only, and print its public key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise CommandFailed(
            f"{file.name} 已存在：正在使用的密钥会丢失。\n"
            f"{file.name} is there already: a key that is in use would be lost."
        ) from error
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(pem)
    typer.echo(base64.b64encode(key.public_key().public_bytes_raw()).decode())

"""One bit is another."""


def flipped(content: bytes, bit: int) -> bytes:
    damaged = bytearray(content)
    place, within = divmod(bit % (8 * len(damaged)), 8)
    damaged[place] ^= 1 << within
    return bytes(damaged)

"""Opaque identifiers with a prefix that says what they name."""

import secrets

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def new_id(prefix: str) -> str:
    """`prefix` + "_" + 20 random base32 characters (100 bits)."""
    return f"{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(20))

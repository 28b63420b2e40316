"""References: how people name an application, in mails, on the telephone and in addresses."""

import secrets
from collections.abc import Container

PREFIX = "PIF-"
LETTERS = "23456789CDFGHJKMNPQRTVWX"
"""Without vowels, so that no word comes out, and without signs that look alike (0 O, 1 I L, 2 Z, 5 S, 8 B)."""
LENGTH = 6
TRIES = 20


def fresh(taken: Container[str]) -> str:
    """A random reference such as ``PIF-7K3QX9`` that is not ``taken``.

    It cannot be guessed from others. Raises RuntimeError where every one of 20 tries was taken.
    """
    for _ in range(TRIES):
        reference = PREFIX + "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        if reference not in taken:
            return reference
    raise RuntimeError(f"{TRIES} random references were taken already")

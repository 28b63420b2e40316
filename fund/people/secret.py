"""Secrets that the fund hands out and keeps only as fingerprints."""

import hashlib
import hmac
import secrets

API_PREFIX = "pif_"
"""Begins every API token, so that a leaked one can be recognised for what it is."""


def fresh() -> str:
    """A new secret of 256 random bits that may stand in an address, a cookie or a header."""
    return secrets.token_urlsafe(32)


def fresh_code() -> str:
    """A new code of six digits."""
    return f"{secrets.randbelow(1_000_000):06d}"


def fingerprint(purpose: str, secret: str) -> str:
    """What is stored of a 256-bit secret. The same secret has another fingerprint for another ``purpose``.

    A plain hash is enough here: nobody can guess 256 random bits.
    """
    return hashlib.sha256(f"fund:{purpose}\0{secret}".encode()).hexdigest()


def code_fingerprint(handle: str, code: str) -> str:
    """What is stored of a six-digit code: keyed with the ``handle`` that only the asking browser has.

    A million codes are tried in a second, so without that key whoever reads the table would know the code.
    """
    return hmac.new(handle.encode(), f"fund:code\0{code}".encode(), hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two fingerprints are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)

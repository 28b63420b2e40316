"""Signatures after the Standard Webhooks specification 1.0: HMAC-SHA256 over ``id.timestamp.body``."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from secrets import token_bytes

PREFIX = "whsec_"
SIZE = 32
"""Bytes of a secret."""


def new_secret() -> str:
    """A secret that nobody has had before, as it is given to the receiver."""
    return PREFIX + base64.b64encode(token_bytes(SIZE)).decode()


def headers(secrets: Iterable[str], call_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a call that is made ``at`` that moment, with a signature by each of ``secrets``."""
    stamp = str(int(at.timestamp()))
    signed = b".".join((call_id.encode(), stamp.encode(), body))
    return {
        "webhook-id": call_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()

"""Short names for what somebody has seen, by which it is known whether it changed since."""

import hashlib
import json
from typing import Any


def edition_of(seen: Any) -> str:
    """A short name for what was shown: it changes when that does. Days and the like count as they are written."""
    return hashlib.sha256(json.dumps(seen, default=str, sort_keys=True).encode()).hexdigest()[:16]

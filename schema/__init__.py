"""What is stored: tables by noun, value types, migrations, and the JSON Schemas of what we publish.

Importing this package registers every table with ``SQLModel.metadata``.
"""

from schema import (
    applications,
    awards,
    comments,
    deadlines,
    feeds,
    ledger,
    lessons,
    mails,
    newsletters,
    outbox,
    people,
    reports,
    reviews,
    rounds,
    values,
    webhooks,
    workflows,
)

__all__ = [
    "applications",
    "awards",
    "comments",
    "deadlines",
    "feeds",
    "ledger",
    "lessons",
    "mails",
    "newsletters",
    "outbox",
    "people",
    "reports",
    "reviews",
    "rounds",
    "values",
    "webhooks",
    "workflows",
]

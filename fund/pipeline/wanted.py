"""The filter of the pipeline as an address carries it: read once for every page that takes it."""

from typing import Annotated

from fastapi import Depends, Query

from fund.pipeline.queries import ORDERS, Filter

Words = Annotated[str, Query(max_length=200)]


def wanted(
    round: Words = "",
    stage: Words = "",
    state: Words = "",
    overdue: bool = False,
    words: Words = "",
    order: Words = "",
    told: Words = "",
    week: Words = "",
) -> Filter:
    """What the address chose. A week or an order that there is not is passed over."""
    found = Filter(round, stage, state, overdue, words.strip(), order if order in ORDERS else "", told, week)
    return found if found.span else found.without_week


WantedDep = Annotated[Filter, Depends(wanted)]

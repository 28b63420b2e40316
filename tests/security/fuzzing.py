"""Random calls against the API, made from its own description."""

import random
from typing import Any

import hypothesis
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

EXAMPLES = 5
"""Calls to each operation in each mode. To search longer by hand: raise this."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
QUIET = hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def faults(app: FastAPI, known: dict[str, list[Any]], tokens: list[str]) -> list[str]:
    """Answers that the description does not name, to calls with one or the other token.

    ``known`` are values for the parameters of addresses behind which there is something.
    """
    choose = random.Random(2021)
    wrong: list[str] = []
    for found in schemathesis.openapi.from_asgi("/api/v1/openapi.json", app).get_all_operations():
        operation = found.ok()
        for mode in modes(operation):

            @QUIET
            @hypothesis.seed(2021)
            @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
            def calls(case: schemathesis.Case) -> None:
                aim(case, known, choose)
                case.call_and_validate(checks=CHECKS, headers={"Authorization": choose.choice(tokens)})

            try:
                calls()
            except* Exception as group:
                wrong += [f"{operation.label}: {error}" for error in group.exceptions]
    return wrong


def modes(operation: Any) -> list[GenerationMode]:
    """What fits the description; and what does not, where there is more to send than an address."""
    sent = bool(operation.body or operation.query)
    return [GenerationMode.POSITIVE, GenerationMode.NEGATIVE] if sent else [GenerationMode.POSITIVE]


def aim(case: schemathesis.Case, known: dict[str, list[Any]], choose: random.Random) -> None:
    """Let two of three calls go where there is something."""
    for name in case.path_parameters or {}:
        if name in known and choose.random() < 0.67:
            case.path_parameters[name] = str(choose.choice(known[name]))

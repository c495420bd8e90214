"""Exceptions by kind."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

import payseal
from payseal import Code, Outcome
from payseal.errors import kind_of

HEADER = Path(__file__).resolve().parents[3] / "include" / "payseal.h"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Code.INVALID_ARGUMENT, payseal.ArgumentError),
        (Code.CONFIG_INVALID, payseal.ConfigurationError),
        (Code.KEY_MISMATCH, payseal.ConfigurationError),
        (Code.PARAMS_INVALID, payseal.ArgumentError),
        (Code.SIGNATURE_INVALID, payseal.TrustError),
        (Code.TIMEOUT, payseal.TransportError),
        (Code.PROVIDER_REJECTED, payseal.ProviderError),
        (Code.ORDER_CONFLICT, payseal.OrderError),
        (Code.LEASE_LOST, payseal.OrderError),
        (Code.INTERNAL, payseal.InternalError),
        (Code.STORE_UNAVAILABLE, payseal.StoreError),
        (Code.STORE_FAILED, payseal.StoreError),
        (999, payseal.PaysealError),
    ],
)
def test_a_code_has_the_exception_of_its_group(code: int, kind: type) -> None:
    assert kind_of(code) is kind


def test_codes_and_outcomes_are_those_of_the_header() -> None:
    constants = {name: int(number) for name, number in re.findall(r"\bPAYSEAL_(\w+)\s*=\s*(\d+)", HEADER.read_text())}
    for member in (*Code, *Outcome, *payseal.Failure):
        prefix = "FAILURE_" if isinstance(member, payseal.Failure) else ""
        assert constants.pop(prefix + member.name) == member.value
    assert constants == {"SEND": 1, "WAIT": 2, "DONE": 3, "RECEIVE": 4, "TAKE": 5}


def test_a_code_of_a_newer_library_is_kept() -> None:
    assert (Code(299), Code(299).name) == (299, "CODE_299")
    assert (Outcome(9), Outcome(9).name) == (9, "OUTCOME_9")
    with pytest.raises(ValueError, match="is not a valid Code"):
        Code("x")  # type: ignore[arg-type]


def test_an_error_survives_a_process_pool() -> None:
    error = payseal.TransportError(Code.TIMEOUT, Outcome.UNKNOWN, "too late", {"attempts": 2})
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is payseal.TransportError
    assert (copy.code, copy.outcome, copy.message, copy.details) == (Code.TIMEOUT, Outcome.UNKNOWN, "too late", {"attempts": 2})
    assert str(copy) == "too late [TIMEOUT, UNKNOWN]"

"""Another process of the shop on the same database, as one that runs on a second machine."""

from __future__ import annotations

from pathlib import Path

import payseal
from payseal.payments import Payments, Report
from visitor import fail

TRIES = 20


def leave_a_dead_letter(database: str, config: Path, reason: str) -> str:
    """Tells of money for an order that is not there, and gives up on the event for a reason. Returns the order's number."""
    with payseal.Client(config.read_bytes()) as client, Payments({"store": database}, {"wechat": client}) as payments:
        # The shop may be quicker and handle the event; then there is another one.
        for attempt in range(1, TRIES + 1):
            number = f"NOBODYS{attempt}"
            payments.report(Report(source="bill", account="wechat", order_no=number, transaction_id=f"T{attempt}", amount=1))
            for event in payments.claim_events():
                if event.order_no == number:
                    payments.dead(event, reason)
                    return number
                payments.nack(event, delay_ms=0)
    fail(f"the shop has taken {TRIES} events before the second process could")

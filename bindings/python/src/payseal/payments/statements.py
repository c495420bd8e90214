"""Acknowledging an event in a transaction of the service's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Optional, Protocol

from payseal._model import Model
from payseal.errors import Code, OrderError, Outcome

Placeholders = Literal["?", "$1", "%s"]
"""How a database driver marks the places of values: ``"?"`` sqlite3, ``"$1"`` asyncpg, ``"%s"`` psycopg and PyMySQL."""


@dataclass(frozen=True)
class Statement(Model):
    """SQL to run in a transaction of the service's own.

    Attributes:
        sql: The statement.
        values: For its placeholders.
        changes: How many rows it must change; None where any number will do.
    """

    sql: str
    values: list[Any]
    changes: Optional[int] = None


class Cursor(Protocol):
    """A cursor of a database driver, as in PEP 249."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed."""

    def execute(self, sql: Any, values: Any, /) -> Any:
        """Run a statement."""


def run(cursor: Cursor, statements: Iterable[Statement]) -> None:
    """Run the statements; one that changes other than it must is somebody else's work.

    Raises:
        OrderError: Roll back: the lease has run out, or somebody else got on with the order (``LEASE_LOST``).
    """
    for statement in statements:
        cursor.execute(statement.sql, statement.values)
        if statement.changes is not None and cursor.rowcount != statement.changes:
            message = "the lease has run out, or somebody else got on with the order; roll back"
            raise OrderError(Code.LEASE_LOST, Outcome.NOT_SENT, message, {"code_name": Code.LEASE_LOST.name})

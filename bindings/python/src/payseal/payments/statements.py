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
    """SQL that is written together with an acknowledgement, in the library's transaction or in one of the service's own.

    Attributes:
        sql: The statement.
        values: For its placeholders: ``str``, ``int`` or None.
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


class AsyncCursor(Protocol):
    """The same of a driver for :mod:`asyncio`."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed."""

    async def execute(self, sql: Any, values: Any, /) -> Any:
        """Run a statement."""


def run(cursor: Cursor, statements: Iterable[Statement]) -> None:
    """Run the statements; one that changes other than it must is somebody else's work.

    Raises:
        OrderError: Roll back: the lease has run out, or somebody else got on with the order (``LEASE_LOST``).
    """
    for statement in statements:
        cursor.execute(statement.sql, statement.values)
        _check(statement, cursor.rowcount)


async def run_async(cursor: AsyncCursor, statements: Iterable[Statement]) -> None:
    """See :func:`run`."""
    for statement in statements:
        await cursor.execute(statement.sql, statement.values)
        _check(statement, cursor.rowcount)


def _check(statement: Statement, changed: int) -> None:
    if statement.changes is not None and changed != statement.changes:
        message = "the lease has run out, or somebody else got on with the order; roll back"
        raise OrderError(Code.LEASE_LOST, Outcome.NOT_SENT, message, {"code_name": Code.LEASE_LOST.name})

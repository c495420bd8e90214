"""Log records of the library as records of :mod:`logging`."""

from __future__ import annotations

import ctypes
import json
import logging

_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 3: logging.INFO, 4: logging.DEBUG}


def emit(logger: logging.Logger, level: int, record: int, length: int) -> None:
    """Log one native record: a line for people, and the fields as ``record.payseal`` for structured handlers."""
    number = _LEVELS.get(level, logging.DEBUG)
    if logger.isEnabledFor(number):
        fields = json.loads(ctypes.string_at(record, length))
        logger.log(number, "%s", _Line(fields), extra={"payseal": fields})


class _Line:
    """Written out only when a handler wants the text."""

    def __init__(self, fields: dict[str, object]) -> None:
        self._fields = fields

    def __str__(self) -> str:
        pairs = (f"{key}={value}" for key, value in self._fields.items() if key not in ("event", "level", "ts_ms"))
        return " ".join((str(self._fields.get("event")), *pairs))

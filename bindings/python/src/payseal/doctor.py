"""Look a configuration over: every part of it, not only the first that is wrong.

::

    report = payseal.doctor.examine(pathlib.Path("config.json").read_bytes(), online=True)
    problems = [finding.message for finding in report.findings if finding.status == "problem"]
"""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import byref
from dataclasses import dataclass
from typing import Optional, Union

from payseal._callbacks import CallbackTable, Signer
from payseal._library import Buffer, library
from payseal._native import from_json, inputs, to_bytes, to_json
from payseal.configuration import Configuration
from payseal.result import known


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: The configuration's key, ``"configuration"`` for the whole, ``"online"`` or ``"clock"``.
        status: ``"ok"``, ``"warning"`` or ``"problem"``.
        message: One sentence, without secrets.
        hint: What to do.
    """

    check: str
    status: str
    message: str
    hint: Optional[str] = None


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        healthy: No finding is a problem.
        findings: Everything that was looked at.
    """

    healthy: bool
    findings: tuple[Finding, ...]


def examine(
    config: Union[Configuration, Mapping[str, object], str, bytes],
    *,
    online: bool = False,
    timeout_ms: Optional[int] = None,
    notify_url: Optional[str] = None,
    signer: Optional[Signer] = None,
) -> Report:
    """Examine a configuration, also one of which no client can be made.

    Args:
        config: As for :class:`payseal.Client`.
        online: Send the provider's self-test, and wait for it.
        timeout_ms: Bounds the self-test, milliseconds; 10000 when left out.
        notify_url: Where the provider may send its test notification.
        signer: As for :class:`payseal.Client`, where the private key is kept elsewhere.

    Raises:
        ArgumentError: An option is wrong. Whatever is wrong with the configuration is in the report.
    """
    text = to_json(config) if isinstance(config, Mapping) else to_bytes(config)
    options = {"online": online, "timeout_ms": timeout_ms, "notify_url": notify_url}
    callbacks, output = CallbackTable(None, None, None, signer), Buffer()
    callbacks.invoke(library().doctor, text, len(text), byref(callbacks.native), *inputs(to_json(options)), byref(output))
    report = from_json(output)
    return Report(report["healthy"], tuple(known(Finding, finding) for finding in report["findings"]))

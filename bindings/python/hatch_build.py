"""Tags a wheel that carries the native library for the platform it was built for, and for every Python 3."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class NativeLibrary(BuildHookInterface[Any]):
    """ctypes needs no Python ABI, but the library inside is machine code."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it builds; an editable wheel carries no library."""
        if version != "editable" and any(Path(self.root, "src", "payseal", "_lib").glob("*payseal*")):
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform}"

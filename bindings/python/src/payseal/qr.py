"""QR codes as PNG and SVG, for a ``code_url`` for example.

::

    image = payseal.qr.png(order.code_url)
"""

from __future__ import annotations

from ctypes import byref, c_void_p

from payseal._library import Buffer, library
from payseal._native import check, copy, inputs, to_json


def png(text: str, *, scale: int = 8, margin: int = 4, error_correction: str = "M", dark: str = "#000000", light: str = "#ffffff") -> bytes:
    """The PNG of a text. The same input gives the same bytes.

    Args:
        text: 1 to 1000 bytes in UTF-8.
        scale: Pixels of a module's side, 1 to 64.
        margin: The quiet zone in modules, 0 to 32; the standard wants 4.
        error_correction: ``"L"``, ``"M"``, ``"Q"`` or ``"H"``.
        dark: A colour such as ``"#1aad19"``.
        light: The other colour.

    Raises:
        ArgumentError: Something is out of its range; ``details["field"]`` names it.
    """
    return _encode(text, "png", scale, margin, error_correction, dark, light)


def svg(text: str, *, scale: int = 8, margin: int = 4, error_correction: str = "M", dark: str = "#000000", light: str = "#ffffff") -> str:
    """The same as an SVG document; ``scale`` is in its units."""
    return _encode(text, "svg", scale, margin, error_correction, dark, light).decode()


def _encode(text: str, kind: str, scale: int, margin: int, error_correction: str, dark: str, light: str) -> bytes:
    options = {"format": kind, "scale": scale, "margin": margin, "error_correction": error_correction, "dark": dark, "light": light}
    image, error = Buffer(), c_void_p()
    check(library().qr_encode(*inputs(text, to_json(options)), byref(image), byref(error)), error)
    return copy(image)

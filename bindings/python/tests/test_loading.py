"""Finding and loading the native library, and what that changes in the process: nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import payseal
from payseal._library import library

SOURCE = Path(payseal.__file__).resolve().parents[1]
TESTS = Path(__file__).resolve().parent


def python(code: str, *arguments: object, source: Path = SOURCE) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter, with the library of these tests as the first argument."""
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(source)!r})\n" + textwrap.dedent(code)]
    return subprocess.run([*command, library().path, *map(str, arguments)], capture_output=True, text=True, timeout=50, check=False)


def test_loading_changes_nothing_in_the_process() -> None:
    """Environment, locale, signals, limits, Python's modules and the open files are the same before and after."""
    result = python(
        """
        import ctypes, json, locale, logging, os, resource, signal, sys, threading, warnings
        import payseal, payseal.crypto  # Python modules it needs are loaded by its import, none later

        def state():
            return {
                "environ": dict(os.environ),
                "c environment": list(map(ctypes.string_at, entries(ENVIRON.in_dll(ctypes.CDLL(None), "environ")))),
                "locale": locale.setlocale(locale.LC_ALL),
                "handlers": [signal.getsignal(number) for number in signal.valid_signals()],
                "actions": [open("/proc/self/status").read().split("SigIgn")[1].split("Cpus")[0]],
                "mask": signal.pthread_sigmask(signal.SIG_BLOCK, []),
                "limits": [resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")],
                "modules": sorted(sys.modules),
                "files": sorted(map(os.readlink, (f"/proc/self/fd/{fd}" for fd in map(int, os.listdir("/proc/self/fd")) if exists(fd)))),
                "threads": os.listdir("/proc/self/task"),
                "umask": next(line for line in open("/proc/self/status") if line.startswith("Umask")),
                "folder": os.getcwd(),
                "loggers": sorted(logging.root.manager.loggerDict),
                "filters": list(warnings.filters),
                "rounding": sys.float_info,
            }

        ENVIRON = ctypes.POINTER(ctypes.c_void_p)

        def entries(array):
            position = 0
            while array[position]:
                yield array[position]
                position += 1

        def exists(fd):
            try:
                return os.fstat(fd) and fd > 2
            except OSError:
                return False

        state()  # whatever looking costs is loaded now
        before = state()
        payseal.load(sys.argv[1])
        payseal.version()
        after = state()
        for key in before:
            assert before[key] == after[key], (key, before[key], after[key])
        payseal.crypto.digest("SHA-256", b"")
        try:
            payseal.Client({"provider": "wechat"})
        except payseal.ConfigurationError:
            pass
        after = state()
        for key in before:
            assert before[key] == after[key], (key, before[key], after[key])
        """
    )
    assert result.returncode == 0, result.stderr
    assert (result.stdout, result.stderr) == ("", "")


def test_the_library_inside_the_package_is_found(tmp_path: Path) -> None:
    shutil.copytree(SOURCE / "payseal", tmp_path / "payseal", ignore=shutil.ignore_patterns("_lib"))
    (tmp_path / "payseal" / "_lib").mkdir()
    shutil.copy(library().path, tmp_path / "payseal" / "_lib" / "libpayseal.so")
    result = python("import payseal; print(payseal.version())", source=tmp_path)
    assert (result.returncode, result.stdout.strip()) == (0, payseal.version()), result.stderr


def test_a_missing_library_says_where_it_belongs(tmp_path: Path) -> None:
    shutil.copytree(SOURCE / "payseal", tmp_path / "payseal", ignore=shutil.ignore_patterns("_lib"))
    result = python("import payseal; print('imported'); payseal.version()", source=tmp_path)
    assert result.stdout == "imported\n"
    assert "ImportError: the native library is missing at" in result.stderr
    assert "payseal.load(path)" in result.stderr


@pytest.mark.parametrize("variable", ["PAYSEAL_LIBRARY", "LD_LIBRARY_PATH"])
def test_the_environment_does_not_choose_the_library(tmp_path: Path, variable: str) -> None:
    shutil.copytree(SOURCE / "payseal", tmp_path / "payseal", ignore=shutil.ignore_patterns("_lib"))
    value = library().path if variable == "PAYSEAL_LIBRARY" else library().path.parent
    code = "import payseal\ntry: payseal.version()\nexcept ImportError: print('missing')"
    environment = {**os.environ, variable: str(value), "PYTHONPATH": str(tmp_path)}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=50, check=False)
    assert result.stdout == "missing\n", result.stderr


def test_a_library_is_loaded_once(tmp_path: Path) -> None:
    other = tmp_path / "other.so"
    shutil.copy(library().path, other)
    result = python(
        """
        import payseal
        payseal.load(sys.argv[1])
        payseal.load(sys.argv[1])
        try:
            payseal.load(sys.argv[2])
        except RuntimeError as error:
            print(error)
        """,
        other,
    )
    assert result.stdout.startswith("the native library is already loaded from "), result.stderr


def test_what_is_no_library_is_refused(tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.so"
    nonsense.write_text("nonsense")
    result = python("import payseal; payseal.load(sys.argv[2])", nonsense)
    assert "OSError" in result.stderr
    result = python("import payseal; payseal.load(sys.argv[2])", tmp_path / "nowhere.so")
    assert "OSError" in result.stderr


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_another_abi_version_is_refused(tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.so"
    source = "#include <stdint.h>\nuint32_t payseal_abi_version(void) { return 99; }\n"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", stranger], input=source, text=True, check=True)
    result = python("import payseal; payseal.load(sys.argv[2])", stranger)
    assert "speaks version 99 of the payseal ABI, this package speaks 1" in result.stderr


def test_every_function_of_the_header_is_declared() -> None:
    import re

    from payseal._library import _FALLIBLE, _INFALLIBLE

    header = (Path(__file__).resolve().parents[3] / "include" / "payseal.h").read_text()
    functions = set(re.findall(r"\bpayseal_(\w+)\s*\(", header))
    assert functions == set(_FALLIBLE) | set(_INFALLIBLE)

"""Holds tests/threats.md to the tests: every test that it names is there, and every threat that it counts has one. Speaks TAP.

`folder/file::test` is in tests/folder/file.rs, `::test` in the file named before it, `::\\*` stands for all tests of a file; a table may
name a folder for names without one. `go::TestName`, `java::Class.method` and `python::test_name` are the bindings' own. Any other name with
a slash is a file.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "tests" / "threats.md"

# How many threats each section counts.
SECTIONS = {"A": 15, "B": 11, "C": 7, "D": 17, "E": 8, "F": 7, "G": 15}

NAME = re.compile(
    r"(?P<language>go|java|python)::(?P<own>\w+(?:\.\w+|\.\\\*)?)"
    r"|(?P<file>[a-z][a-z0-9_]*(?:/[a-z0-9_]+)*)?::(?P<test>[a-z0-9_]+|\\\*)"
    r"|(?P<path>[a-z]\w*(?:/[\w.]+)+)"
)
RUST_TEST = r"#\[test\]\s*(?:#\[[^\]]*\]\s*)*(?:pub )?fn {}\b"


@cache
def read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


@cache
def sources(language: str) -> tuple[Path, ...]:
    folder, pattern = {"go": ("go", "*_test.go"), "java": ("java", "*Test.java"), "python": ("python/tests", "test_*.py")}[language]
    return tuple((ROOT / "bindings" / folder).rglob(pattern))


def in_binding(language: str, name: str) -> bool:
    if language == "go":
        return any(re.search(rf"^func {name}\(t \*testing\.T\)", read(file), re.MULTILINE) for file in sources(language))
    if language == "python":
        return any(re.search(rf"^\s*(?:async )?def {name}\(", read(file), re.MULTILINE) for file in sources(language))
    owner, _, method = name.partition(".")
    return any(file.stem == owner and (method in ("", "\\*") or re.search(rf"\b{method}\(", read(file))) for file in sources(language))


def in_rust(file: str, test: str) -> bool:
    path = ROOT / "tests" / f"{file}.rs"
    if test == "\\*":
        return re.search(RUST_TEST.format(r"\w+"), read(path)) is not None or "proptest!" in read(path)
    # The promises about both engines are listed once for each of them.
    is_listed = re.search(rf"\b{test}\b", read(path.parent / "main.rs")) and re.search(rf"fn {test}\b", read(path))
    return bool(is_listed) or re.search(RUST_TEST.format(test), read(path)) is not None


def is_there(path: str) -> bool:
    return any((ROOT / place).exists() for place in (path, f"tests/{path}", f"tests/{path}.rs"))


def missing(row: str, folder: str) -> list[str]:
    """The names in a row, or in a line of prose, behind which there is nothing."""
    lost, current = [], ""
    for found in NAME.finditer(row):
        if found["language"]:
            is_right = in_binding(found["language"], found["own"])
        elif found["test"]:
            current = found["file"] or current
            is_right = any(in_rust(file, found["test"]) for file in (current, f"{folder}/{current}"))
        else:
            is_right = is_there(found["path"])
        if not is_right:
            lost.append(found[0])
    return lost


def main() -> int:
    counted, problems, folder = set(), [], ""
    for number, line in enumerate(read(TABLE).splitlines(), 1):
        if line.startswith("#"):
            folder = ""
        if in_folder := re.search(r"tests \(in ([\w/]+)\b", line):
            folder = in_folder[1]
        if number > 10:  # what comes before explains the names, with one that stands for all
            problems += [f"line {number}: {name}" for name in missing(line, folder)]
        if line.startswith("| ") and NAME.search(line):
            counted |= set(re.findall(r"\b[A-G][1-9][0-9]?\b", line.split("|")[1]))
    every = {f"{section}{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)}
    forgotten = sorted(every - counted)
    for promise, broken in (("every test that tests/threats.md names is there", problems), ("every threat has a test", forgotten)):
        print(f"{'not ok' if broken else 'ok'} - {promise}")
        for problem in broken:
            print(f"# {problem}")
    print("1..2")
    return 1 if problems or forgotten else 0


if __name__ == "__main__":
    sys.exit(main())

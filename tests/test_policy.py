"""Rules of the house that no linter knows. Each message says which file breaks which rule."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from exporter import collectors

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MADE = {"build", "dist", "secrets", "__pycache__"}
UNTIDY = (ROOT / "tests" / "hosts", ROOT / "tests" / "config")
"""Captured byte for byte, and wrong on purpose."""

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40

LONG_FILES: dict[str, str] = {}
"""Files that may be longer, each with the reason."""

LONG_FUNCTIONS: dict[str, str] = {}
"""Functions (`exporter/file.py:name`) that may be longer, each with the reason."""


def project_files(*endings: str, below: str = "") -> list[Path]:
    """The project's own files: neither made nor hidden, except .ci and files at the top."""
    files = []
    for path in sorted((ROOT / below).rglob("*")):
        folders = path.relative_to(ROOT).parts[:-1]
        hidden = any(folder.startswith(".") and folder != ".ci" for folder in folders)
        if path.is_file() and not hidden and not MADE & set(folders):
            files.append(path)
    return [path for path in files if not endings or path.suffix in endings]


def short(path: Path) -> str:
    """A file's name as the messages give it."""
    return str(path.relative_to(ROOT))


class Module(NamedTuple):
    """A Python file of the product."""

    name: str
    text: str
    tree: ast.Module


MODULES = [
    Module(short(path), path.read_text(), ast.parse(path.read_text()))
    for package in ("exporter", "monitoring")
    for path in project_files(".py", below=package)
]


def docstring_lines(node: ast.AST) -> set[int]:
    """The lines of a docstring, or of a text standing alone as the comment of a name."""
    lines: set[int] = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            lines.update(range(child.lineno, (child.end_lineno or child.lineno) + 1))
    return lines


def texts(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text a module holds, docstrings aside; `{}` stands for the values in an f-string."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.JoinedStr):
        parts = [str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values]
        yield node.lineno, "".join(parts)
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        value = node.value
        yield node.lineno, value if isinstance(value, str) else value.decode("utf-8", "replace")
    for child in ast.iter_child_nodes(node):
        yield from texts(child)


KERNEL_PATH = re.compile(r"/(proc|sys)(/\S*)?")
"""A path; a message such as `/proc/loadavg: expected ...` has spaces and is none."""


def test_only_the_kernel_module_knows_paths_of_proc_and_sys() -> None:
    """A path below /proc or /sys stands in exporter/kernel.py, or as a default in the settings."""
    found = [
        f"{module.name}:{line}: {text}"
        for module in MODULES
        for line, text in texts(module.tree)
        if KERNEL_PATH.fullmatch(text)
        and module.name != "exporter/kernel.py"
        and not (module.name == "exporter/setting_groups.py" and text in {"/proc", "/sys"})
    ]
    assert found == [], "ask KernelTree: kernel.proc(...), kernel.sys(...)"


def imported(tree: ast.Module) -> Iterator[str]:
    """The names of the modules a module imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_monitoring_stands_alone() -> None:
    """The library `monitoring` imports nothing of `exporter`, so that any service can use it."""
    found = [
        f"{module.name} imports {name}"
        for module in MODULES
        if module.name.startswith("monitoring/")
        for name in imported(module.tree)
        if name.partition(".")[0] == "exporter" or name.startswith("..")
    ]
    assert found == []


def test_files_are_short() -> None:
    """A Python file, of tests and tools too, has at most 300 lines, or is listed with a reason."""
    lengths = {short(path): path.read_text().count("\n") for path in project_files(".py")}
    long = {name for name, lines in lengths.items() if lines > MAX_FILE_LINES}
    assert long == set(LONG_FILES), (
        "divide the file; a listed one that became short leaves the list"
    )


def test_a_package_that_lists_its_files_lists_all() -> None:
    """Whoever looks for something in a big package finds it by the docstring."""
    for module in MODULES:
        folder = (ROOT / module.name).parent
        named = set(re.findall(r"\w+\.py\b", ast.get_docstring(module.tree) or ""))
        if Path(module.name).name == "__init__.py" and named:
            files = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
            assert named == files, module.name


def functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module, methods and inner ones too."""
    for child in ast.walk(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """How many lines of a function are code: not empty, no comment, no docstring."""
    words = docstring_lines(function)
    numbers = range(function.lineno, (function.end_lineno or function.lineno) + 1)
    return sum(
        1
        for number in numbers
        if number not in words and lines[number - 1].strip().partition("#")[0]
    )


def test_functions_are_short() -> None:
    """A function has at most 40 lines of code, unless it is listed with a reason."""
    long = {
        f"{module.name}:{function.name}"
        for module in MODULES
        for function in functions(module.tree)
        if code_lines(function, module.text.splitlines()) > MAX_FUNCTION_LINES
    }
    assert long == set(LONG_FUNCTIONS), "divide the function"


@pytest.mark.parametrize("name", [entry.name for entry in collectors.ALL])
def test_a_collector_is_found_by_its_name(name: str) -> None:
    """A collector has a module, a page of documentation and a test file of its own name."""
    expected = [
        f"exporter/collectors/{name}.py",
        f"docs/collectors/{name}.md",
        f"tests/collectors/test_{name}.py",
    ]
    assert [path for path in expected if not (ROOT / path).is_file()] == []


def test_collectors_are_listed_in_order() -> None:
    """The one list of collectors is sorted, and holds each once."""
    names = [entry.name for entry in collectors.ALL]
    assert names == sorted(set(names))


def requirements(*groups: str) -> dict[str, Requirement]:
    """What pyproject.toml asks for in the named groups, by name."""
    project: dict[str, Any] = PROJECT["project"]
    lists = {
        "runtime": project["dependencies"],
        **project["optional-dependencies"],
        **PROJECT["dependency-groups"],
    }
    found = [Requirement(text) for group in groups or lists for text in lists[group]]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


LOCKS = {
    "requirements.lock": ("runtime", "fast", "iris", "systemd"),
    "requirements-build.lock": ("build",),
    "requirements-dev.lock": ("runtime", "fast", "iris", "systemd", "dev", "build"),
}
"""Each lock file, and the groups of pyproject.toml it was made from."""

PIN = re.compile(r"^(\S+)==(\S+).*\\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)
DIRECT = "perfwatch-exporter (pyproject.toml"


def pins(lock: str) -> dict[str, str]:
    """The versions a lock file holds, by name."""
    return {name: pinned for name, pinned, _ in PIN.findall((ROOT / lock).read_text())}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_answers_pyproject(lock: str) -> None:
    """Each requirement is pinned within its bounds, and none is left that was asked for once."""
    asked = requirements(*LOCKS[lock])
    pinned = pins(lock)
    wrong = [
        f"{requirement}, locked: {pinned.get(name)}"
        for name, requirement in asked.items()
        if pinned.get(name, "") not in requirement.specifier or name not in pinned
    ]
    assert wrong == [], "run make lock"
    blocks = re.split(r"\n(?=\S)", (ROOT / lock).read_text())
    direct = {block.partition("==")[0] for block in blocks if DIRECT in block}
    assert direct == set(asked), "run make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_is_hashed_and_names_no_address(lock: str) -> None:
    """Every line belongs to a pin with hashes or is a comment; where to download is not fixed."""
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert [
        line for line in PIN.sub("", text).splitlines() if not line.lstrip().startswith("#")
    ] == []


def test_the_lock_files_agree() -> None:
    """What runs is what is tested: the versions are those of the development lock."""
    tested = pins("requirements-dev.lock")
    for lock in ("requirements.lock", "requirements-build.lock"):
        assert pins(lock).items() <= tested.items(), lock


def test_every_dependency_has_its_reason() -> None:
    """docs/decisions/ has a line in a table for each dependency."""
    rows = "".join(path.read_text() for path in (ROOT / "docs" / "decisions").glob("*.md"))
    missing = [name for name in requirements() if f"\n| {name} |" not in rows]
    assert missing == []


MARKDOWN_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", [short(path) for path in project_files(".md")])
def test_links_between_pages_lead_somewhere(page: str) -> None:
    """A link to a file of this repository names one that exists."""
    path = ROOT / page
    links = [link for link in MARKDOWN_LINK.findall(path.read_text()) if "://" not in link]
    targets = [link.partition("#")[0] for link in links if not link.startswith(("#", "mailto:"))]
    assert [link for link in targets if not (path.parent / link).exists()] == []


def test_text_files_are_tidy() -> None:
    """No trailing space, no carriage return, no conflict marker, one newline at the end."""
    untidy = re.compile(r"[ \t\r]+$|^(<{7}|>{7}) |\n\n\Z|[^\n]\Z", re.MULTILINE)
    endings = (".md", ".toml", ".yml", ".yaml", ".lock", ".service", "")
    found = [
        short(path)
        for path in project_files(*endings)
        if not set(path.parents) & set(UNTIDY) and untidy.search(path.read_text())
    ]
    assert found == []


POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{[0-9,]+\})\+")


def test_no_expression_has_a_possessive_quantifier_of_a_group() -> None:
    """Before Python 3.11.5 they match wrongly (CPython's issue 106052): `(?>(?:...)*)` instead."""
    found = [module.name for module in MODULES if POSSESSIVE_GROUP.search(module.text)]
    assert found == []

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from exporter.cli import COMMANDS, main
from exporter.node_exporter import LEFT_OUT, REFUSED, RENAMED, WITHOUT_EFFECT
from exporter.setting_groups import RESERVED_PATHS
from exporter.settings import Key, all_keys
from tools import generate_configuration

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGE = DOCS / "configuration.md"
KEYS = tuple(all_keys())

USER_PAGES = [
    ROOT / "README.md",
    PAGE,
    DOCS / "api.md",
    DOCS / "collectors.md",
    DOCS / "http.md",
    DOCS / "iris.md",
    DOCS / "metrics.md",
    DOCS / "migrating-from-node_exporter.md",
    DOCS / "operations.md",
    DOCS / "security.md",
]


def test_the_table_of_settings_is_up_to_date() -> None:
    """The table is the one that the settings give now."""
    text = PAGE.read_text()
    assert generate_configuration.fill_page(text).splitlines() == text.splitlines(), (
        "run: python -m tools.generate_configuration"
    )


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.flag)
def test_every_setting_is_documented(key: Key) -> None:
    """A setting can be found by each of its three names, and its line says what it means."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `--")]
    line = next(row for row in rows if f"`{key.variable}`" in row)
    assert f"`{key.yaml}`" in line
    assert re.search(rf"`--(\[no-\])?{re.escape(key.flag)}`", line)
    assert key.help in line.replace("\\", "")


def test_the_example_is_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The annotated file can be used as it stands."""
    example = re.search(r"<!-- example.*?```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert example is not None
    file = tmp_path / "example.yml"
    file.write_text(example[1])
    assert main(["check-config", str(file)]) == 0
    assert " is valid: " in capsys.readouterr().out


def test_the_page_can_be_checked_and_written(tmp_path: Path) -> None:
    """--check tells an old page, writing makes it new, and then there is nothing to do."""
    page = tmp_path / "page.md"
    page.write_text(f"{generate_configuration.BEGIN}\nold\n{generate_configuration.END}\n")
    assert generate_configuration.main(["--check", "--page", str(page)]) == 1
    assert "old" in page.read_text()
    assert generate_configuration.main(["--page", str(page)]) == 0
    assert generate_configuration.main(["--check", "--page", str(page)]) == 0
    assert "`--web.max-requests`" in page.read_text()


def is_known(flag: str) -> bool:
    """Whether somebody may type the flag: it is ours, or one of node_exporter's with an answer."""
    name = flag.removeprefix("--").removeprefix("no-")
    ours = {key.flag for key in KEYS} | {"config.file", "collector"}
    its = REFUSED.keys() | RENAMED.keys() | WITHOUT_EFFECT.keys()
    return name in ours | its or name.split(".")[1] in LEFT_OUT


@pytest.mark.parametrize("page", USER_PAGES, ids=lambda page: page.name)
def test_flags_in_the_documentation_exist(page: Path) -> None:
    """What a page tells the reader to type has an answer."""
    prefixes = "web|path|log|storage(?!\\.tsdb)|cleanup|collector|config|timeout|iris"
    used = re.findall(rf"--(?:no-)?(?:{prefixes})\b[\w.-]*\w", page.read_text())
    assert [flag for flag in used if not is_known(flag)] == []


@pytest.mark.parametrize("page", USER_PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """A relative link names a file that is there."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", USER_PAGES, ids=lambda page: page.name)
def test_metrics_in_the_documentation_exist(page: Path) -> None:
    """A metric of the daemon's own that a page names is one that it has."""
    packages = (ROOT / "exporter", ROOT / "monitoring")
    sources = "".join(path.read_text() for one in packages for path in one.rglob("*.py"))
    named = set(re.findall(r"`(perfwatch_[a-z_]+[a-z])[`{]", page.read_text()))
    # The prefix of these is a parameter, for other services; that of the governor's stands once.
    named = {name.replace("perfwatch_http_", "{http}_") for name in named}
    named = {re.sub("^perfwatch_governor_(.+)", r'"\1"', name) for name in named}
    assert [name for name in named if name not in sources] == []


LOGS = {"log": ("debug", "info", "warning", "error"), "self": ("_log",)}
"""What log calls begin with; besides, there are the functions `alert` and `write`."""


def logged_messages() -> set[str]:
    """The fixed phrases with which the daemon and its library log."""
    messages: set[str] = set()
    for path in [*(ROOT / "exporter").rglob("*.py"), *(ROOT / "monitoring").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            call = ast.unparse(node.func).split(".")
            if call[-1] in LOGS.get(call[0], ()) or call in (["alert"], ["write"]):
                texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
                messages.update(text for text in texts if isinstance(text, str))
    return messages


def test_every_message_of_the_log_is_documented() -> None:
    """Whoever finds a line in the log finds on the page about operations what it means."""
    page = (DOCS / "operations.md").read_text()
    messages = logged_messages()
    assert len(messages) > 20
    assert sorted(message for message in messages if f"`{message}`" not in page) == []


def test_every_path_is_documented() -> None:
    """The page about HTTP lists what the server answers."""
    text = (DOCS / "http.md").read_text()
    assert [path for path in RESERVED_PATHS | {"/metrics"} if f"`{path}`" not in text] == []


def test_every_command_is_documented() -> None:
    """The page about operations lists the commands."""
    text = (DOCS / "operations.md").read_text()
    assert [name for name in COMMANDS if f"`perfwatch {name}" not in text] == []

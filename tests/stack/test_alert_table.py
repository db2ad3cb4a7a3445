"""The table of alerts in config/monitoring/README.md is what the rules and runbooks say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.alert_rules import ALERTS
from tools import generate_alerts
from tools.generate_docs import PageError


def test_the_table_is_up_to_date() -> None:
    """Whoever changes a rule or the begin of a runbook runs the tool."""
    text = generate_alerts.PAGE.read_text()
    assert generate_alerts.fill_page(text).splitlines() == text.splitlines(), "run: make docs"


def test_the_table_lists_every_alert() -> None:
    """Each alert has a row with a link to its runbook, its severity and its `for`."""
    lines = generate_alerts.PAGE.read_text().splitlines()
    rows = [line for line in lines if "](../../docs/runbooks/" in line]
    assert len(rows) == len(ALERTS)
    for name, rule in ALERTS.items():
        (found,) = [line for line in rows if f"[{name}](" in line]
        severity = rule["labels"]["severity"].replace("{{ $labels.severity }}", "as logged")
        assert f"{name}.md) | {severity} | {rule['for']} | " in found


def test_an_old_table_is_found_and_filled(tmp_path: Path) -> None:
    """With --check the tool says that a page is old; without, it fills it."""
    page = tmp_path / "README.md"
    page.write_text(
        f"# Alerts\n\n{generate_alerts.BEGIN}\nold\n{generate_alerts.END}\n\nThe rest.\n"
    )
    assert generate_alerts.main(["--check", "--page", str(page)]) == 1
    assert "old" in page.read_text()
    assert generate_alerts.main(["--page", str(page)]) == 0
    assert generate_alerts.main(["--check", "--page", str(page)]) == 0
    assert page.read_text().startswith("# Alerts\n\n<!-- alerts:")
    assert page.read_text().endswith("<!-- /alerts -->\n\nThe rest.\n")


def test_a_page_without_a_place_for_the_table_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tool says what it expects."""
    page = tmp_path / "README.md"
    page.write_text("# Alerts\n")
    assert generate_alerts.main(["--page", str(page)]) == 2
    assert generate_alerts.BEGIN in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("# A\n\nIt fires. Always.\n\n## Why\n", "It fires."),
        (
            "# A\n\nLess than 0.5 s: e.g. here.\nThen more.\n\n## Why\n",
            "Less than 0.5 s: e.g. here.",
        ),
        ("# A\n\nIt is full.\n`x` says so.\n\n## Why\n", "It is full."),
    ],
)
def test_the_first_sentence_is_what_a_runbook_begins_with(
    text: str, sentence: str, tmp_path: Path
) -> None:
    """It ends where the next one begins with a capital or with code."""
    page = tmp_path / "A.md"
    page.write_text(text)
    assert generate_alerts.first_sentence(page) == sentence


def test_a_runbook_without_a_text_is_an_error(tmp_path: Path) -> None:
    """The message names the file."""
    page = tmp_path / "A.md"
    page.write_text("# A\n")
    with pytest.raises(PageError, match=r"A\.md: expected a title and a paragraph"):
        generate_alerts.first_sentence(page)

"""The words of the messages, as amtool makes them of the shipped templates."""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from tests.alert_rules import ALERTS
from tests.stack.alertmanager import EXTERNAL_URL, TEMPLATES, amtool

TEXTS = [("text", "text"), ("html", "html"), ("slack.text", "text")]
"""The texts of a mail and of a message, and how they are escaped."""

NASTY = '<!channel> & "more" a+b'
"""What a label may hold, which others have written."""


def alert(host: str, status: str = "firing", **labels: str) -> dict[str, Any]:
    """An alert as templates get it."""
    return {
        "status": status,
        "labels": {"alertname": "Fire", "severity": "critical", "instance": host, **labels},
        "annotations": {
            "summary": f"Fire on {host}",
            "description": f"It burns on {host}.",
            "runbook_url": "docs/runbooks/Fire.md",
        },
        "startsAt": "2026-11-22T02:03:04.567+01:00",
        "endsAt": "2026-11-22T03:03:04+01:00" if status == "resolved" else "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.org/graph?g0.expr=1",
    }


def render(
    folder: Path,
    template: str,
    *alerts: dict[str, Any],
    kind: str = "text",
    templates: Path = TEMPLATES,
) -> str:
    """Make a text of alerts that are one group."""
    shared = set.intersection(*(set(one["labels"].items()) for one in alerts))
    data = {
        "receiver": "people",
        "status": "firing" if any(one["status"] == "firing" for one in alerts) else "resolved",
        "alerts": alerts,
        "groupLabels": {"alertname": "Fire"},
        "commonLabels": dict(shared),
        "commonAnnotations": {},
        "externalURL": EXTERNAL_URL,
    }
    (folder / "data.json").write_text(json.dumps(data))
    return amtool(
        "template",
        "render",
        f"--template.glob={templates / '*.tmpl'}",
        f"--template.data={folder / 'data.json'}",
        f"--template.type={kind}",
        f'--template.text={{{{ template "perfwatch.{template}" . }}}}',
    )


@pytest.mark.parametrize("template", ["subject", "slack.title"])
def test_a_title_says_what_and_where(tmp_path: Path, template: str) -> None:
    """One alert is named by its summary, several by their number; what is over, as that."""
    first, second = alert("web-1"), alert("web-2")
    over = alert("web-3", "resolved")
    assert render(tmp_path, template, first) == "[CRITICAL] Fire on web-1 (Fire)"
    assert render(tmp_path, template, over) == "[RESOLVED] Fire on web-3 (Fire)"
    assert render(tmp_path, template, first, second) == "[CRITICAL] Fire: 2 firing"
    assert render(tmp_path, template, first, over) == "[CRITICAL] Fire: 1 firing, 1 resolved"
    by_disk = [alert("web-1", disk=disk) for disk in ("a", "b")]
    assert render(tmp_path, template, *by_disk) == "[CRITICAL] Fire on web-1: 2 firing"
    unheard_of = first | {"labels": {"alertname": "Fire"}}
    assert render(tmp_path, template, unheard_of) == "[ALERT] Fire on web-1 (Fire)"


@pytest.mark.parametrize(("template", "kind"), TEXTS)
def test_a_text_says_what_people_need(tmp_path: Path, template: str, kind: str) -> None:
    """Each alert has its numbers, since when, what to do and two links; what is over, from when."""
    text = render(tmp_path, template, alert("web-1"), alert("web-3", "resolved"), kind=kind)
    firing, over = text.split("No longer so:")
    for words in (
        "Fire on web-1",
        "It burns on web-1.",
        "2026-11-22 01:03:04 UTC",
        "docs/runbooks/Fire.md",
        "http://prometheus.example.org/graph?g0.expr=1",
        f"{EXTERNAL_URL}/#/silences/new?filter=%7B",
    ):
        assert words in firing
    assert "Fire on web-3" in over
    assert "2026-11-22 01:03:04 UTC to 2026-11-22 02:03:04 UTC" in over
    # The numbers of the last evaluation would be read as those of now.
    assert "It burns on web-3." not in over


def test_the_link_for_a_silence_means_this_alert(tmp_path: Path) -> None:
    """It holds the labels as matchers, whatever characters they have."""
    text = render(tmp_path, "text", alert("web-1", path=NASTY))
    (line,) = [line for line in text.splitlines() if "Silence it:" in line]
    # The page decodes as a browser does: a plus sign stays one.
    matchers = urllib.parse.unquote(line.partition("?filter=")[2])
    assert matchers == (
        '{alertname="Fire",instance="web-1",path="<!channel> & \\"more\\" a+b",severity="critical"}'
    )


def test_nobody_writes_messages_of_their_own(tmp_path: Path) -> None:
    """What stands in labels is shown, and neither calls a channel nor becomes part of a page."""
    one = alert(NASTY)
    for template in ("slack.title", "slack.text"):
        text = render(tmp_path, template, one)
        assert "<!channel>" not in text
        assert "&lt;!channel&gt; &amp;" in text
    assert "<!channel>" not in render(tmp_path, "html", one, kind="html")
    assert NASTY in render(tmp_path, "text", one)


def test_slack_shows_the_first_of_many(tmp_path: Path) -> None:
    """Of each kind five are shown, and how many there are; a mail has all."""
    hosts = [f"web-{number}" for number in range(12)]
    many = [alert(host, status) for status in ("firing", "resolved") for host in hosts]
    text = render(tmp_path, "slack.text", *many)
    assert text.count("It burns on") == 5
    assert text.count("No longer so:") == 5
    assert "The first 5 of 12; all are in" in text
    assert "The first 5 of 12 that are over" in text
    mail = render(tmp_path, "text", *many)
    assert (mail.count("It burns on"), mail.count("No longer so:")) == (12, 12)


def test_slack_gets_no_more_than_it_shows(tmp_path: Path) -> None:
    """It shows 8000 characters, which are enough for many alerts with the longest query."""
    longest = max((rule["expr"] for rule in ALERTS.values()), key=len)
    many = []
    for number in range(12):
        one = alert(f"web-{number}.example.org:10100", job="perfwatch")
        one["generatorURL"] = f"{EXTERNAL_URL}/graph?g0.expr={urllib.parse.quote_plus(longest)}"
        one["annotations"]["description"] = "very " * 1000
        many += [one, one | {"status": "resolved"}]
    assert len(render(tmp_path, "slack.text", *many)) < 8000


@pytest.mark.parametrize(
    ("severity", "status", "color"),
    [
        ("critical", "firing", "danger"),
        ("warning", "firing", "warning"),
        ("info", "firing", "#1f60c4"),
        ("critical", "resolved", "good"),
    ],
)
def test_slack_has_a_color_for_each_state(
    tmp_path: Path, severity: str, status: str, color: str
) -> None:
    """The worse, the redder; green when it is over."""
    assert render(tmp_path, "slack.color", alert("web-1", status, severity=severity)) == color


def test_links_to_runbooks_take_one_edit(tmp_path: Path) -> None:
    """Once the address of the documentation is set, all three texts lead there."""
    place = "https://git.example.org/perfwatch/"
    for path in TEMPLATES.glob("*.tmpl"):
        text = path.read_text().replace(
            '{{ define "perfwatch.documentation" }}',
            f'{{{{ define "perfwatch.documentation" }}}}{place}',
        )
        (tmp_path / path.name).write_text(text)
    for template, kind in TEXTS:
        text = render(tmp_path, template, alert("web-1"), kind=kind, templates=tmp_path)
        assert f"What to do:  {place}docs/runbooks/Fire.md" in text.replace("do: h", "do:  h")

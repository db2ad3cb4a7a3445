"""The landing page: what is enabled, how each collector does, and where to go."""

from __future__ import annotations

from html import escape
from string import Template

from exporter import __version__
from exporter.outcome import Outcome
from exporter.status import Status

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PerfWatch</title>
<style>
:root { color-scheme: light dark; --line: #8883; --soft: #8881; --link: #0b57d0; --ok: #1a7f37;
  --bad: #cf222e; --none: #8a6d00; }
@media (prefers-color-scheme: dark) {
  :root { --link: #8ab4f8; --ok: #3fb950; --bad: #f85149; --none: #d29922; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 0 auto; padding: 1.5rem; }
header { border-bottom: 3px solid var(--link); padding-bottom: 1rem; margin-bottom: 1.5rem; }
h1 { margin: 0; } h2 { margin: 0; } h1 small { font-size: 1rem; font-weight: normal; opacity: .7; }
p { margin: .2rem 0 .8rem; } a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
nav a { display: inline-block; margin: 0 .6rem .4rem 0; padding: .15rem .8rem;
  border: 1px solid var(--line); border-radius: 1rem; background: var(--soft); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .8rem; border-bottom: 1px solid var(--line); }
th { background: var(--soft); } td:last-child { width: 45%; } .n { text-align: right; }
.ok { color: var(--ok); } .failed, .timeout { color: var(--bad); } .no-data { color: var(--none); }
td.state::before { content: "\\25CF"; margin-right: .4rem; }
</style>
</head>
<body>
<header>
<h1>PerfWatch <small>$version, $word, up $uptime</small></h1>
<p>A Prometheus exporter for Linux hosts that run InterSystems IRIS.</p>
<nav><a href="$metrics">Metrics</a><a href="/livez">Liveness</a><a href="/readyz">Readiness</a>\
<a href="/health">Health (JSON)</a><a href="/api/v1/monitoring/status">API (JSON)</a></nav>
</header>
<h2>Collectors</h2>
<p>Each name leads to its metrics alone.</p>
<table>
<thead>
<tr><th>Collector</th><th>State</th><th class="n">Last duration</th><th>Reason</th></tr>
</thead>
<tbody>
$rows
</tbody>
</table>
</body>
</html>
""")


def landing_page(status: Status, telemetry_path: str) -> str:
    """Make the page."""
    rows = [
        _row(name, outcome, telemetry_path) for name, outcome in sorted(status.collectors().items())
    ]
    return _PAGE.substitute(
        version=escape(__version__),
        word=escape(status.word()),
        uptime=format_duration(status.uptime_seconds()),
        metrics=escape(telemetry_path),
        rows="\n".join(rows) or '<tr><td colspan="4">none is enabled</td></tr>',
    )


def _row(name: str, outcome: Outcome | None, telemetry_path: str) -> str:
    link = f'<a href="{escape(telemetry_path)}?collect[]={escape(name)}">{escape(name)}</a>'
    if outcome is None:
        return f"<tr><td>{link}</td><td>not collected yet</td><td></td><td></td></tr>"
    return (
        f"<tr><td>{link}</td>"
        f'<td class="state {outcome.status.replace(" ", "-")}">{escape(outcome.status)}</td>'
        f'<td class="n">{outcome.seconds * 1000:.3f} ms</td>'
        f"<td>{escape(outcome.reason)}</td></tr>"
    )


def format_duration(seconds: float) -> str:
    """Format a time span for people: `3 d 4 h`, `12 min`, `8 s`."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{int(seconds)} s"

"""`perfwatch iris check`: what works and what is missing, on the screen and as a record."""

from __future__ import annotations

import argparse

from exporter.iris.check.checks import Finding, Outcome, make_checks, run_checks
from exporter.iris.check.recording import record
from exporter.iris.cli.calling import Context, Result
from exporter.iris.cli.output import as_json, cell, new_file, table


def declare_check(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    help_text = "write what the server answers, without any names"
    parser.add_argument("--record", metavar="FILE", help=help_text)


def check(context: Context) -> Result:
    """Ask for everything that the daemon uses, and change nothing."""
    instance = context.instance
    target = new_file(context.options.record, "--record") if context.options.record else None
    checks = make_checks(instance.policy(), instance.metrics_url)
    findings = run_checks(context.session, checks, context.show)
    is_tls = instance.tls
    if target is not None:
        text = as_json(record(findings, context.server.version, tls=is_tls))
        with target.open("x", encoding="ascii") as file:
            file.write(f"{text}\n")
    version = cell(context.server.version or "an unknown version")
    title = f"connected to {version}, {'with' if is_tls else 'without'} TLS"
    rows = table(("CHECK", "RESULT", "FOR", "WHAT HELPS"), map(_row, findings))
    document = {
        "version": context.server.version or None,
        "tls": is_tls,
        "checks": [finding.document() for finding in findings],
    }
    is_done = all(finding.satisfied for finding in findings)
    return Result(document, f"{title}\n{rows}", is_done)


def _row(finding: Finding) -> tuple[str, str, str, str]:
    check = finding.check
    works = finding.outcome is Outcome.WORKS
    optional = " (optional)" if check.optional and not works else ""
    return check.name, f"{finding.outcome}{optional}", check.purpose, _remedy(finding)


def _remedy(finding: Finding) -> str:
    if finding.outcome is Outcome.MISSING:
        return f"grant {finding.check.grant}"
    if finding.error is None:
        return ""
    is_absent = finding.outcome is Outcome.ABSENT
    return finding.error.remedy if is_absent else finding.error.message

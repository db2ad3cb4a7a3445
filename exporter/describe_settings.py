"""The settings in effect as plain data, for the API for operators."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from exporter.addresses import Address
from exporter.iris.access.connection import Secret
from exporter.settings import Settings
from monitoring.redaction import redacted


def describe_settings(settings: Settings) -> dict[str, Any]:
    """Give every setting by its name in YAML, as it would be written there, without secrets.

    A collector that has no settings of its own is an empty mapping. What counts as a secret is
    what does in the log, with what the logging file adds; that list itself is not shown.
    """
    described: dict[str, Any] = _plain(settings)
    redactor = described["logging"].pop("redact", None)
    collectors = described["collectors"].items()
    described["collectors"] = {name: options or {} for name, options in collectors}
    described["iris"] = {"instances": described["iris"]}
    shown: dict[str, Any] = redacted(described, redactor)
    return shown


def _plain(value: Any) -> Any:
    if isinstance(value, Address | Secret):
        return str(value)
    if isinstance(value, re.Pattern):
        return value.pattern
    if dataclasses.is_dataclass(value):
        return {
            field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value

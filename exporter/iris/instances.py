"""From what was set to the instances that are wanted, each complete and valid."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from exporter.iris.access.connection import Secret
from exporter.iris.secret_files import read_secret
from exporter.iris.settings import (
    DEFAULT_NAME,
    GovernorSettings,
    InstanceSettings,
    MonitoringSettings,
)

GROUPS: Mapping[str, type[Any]] = {
    "iris": InstanceSettings,
    "iris.monitoring": MonitoringSettings,
    "iris.governor": GovernorSettings,
}
"""The settings of an instance, by what stands before them."""

INSTANCES = "iris.instances"
"""The setting that holds the names."""

PASSWORD, ACCESS_TOKEN = "iris.password", "iris.access-token"
"""From the environment alone."""

DISABLED = "iris.disabled"
"""From IRIS_DISABLE_MONITORING: nothing is collected, whatever the settings say."""


def own_flag(flag: str, name: str) -> str:
    """Name a setting of one of several instances: `iris.host` is `iris.instances.<name>.host`."""
    return f"{INSTANCES}.{name}{flag.removeprefix('iris')}"


def make_instances(values: Mapping[str, Any]) -> Mapping[str, InstanceSettings]:
    """Make the instances from parsed values by flag name, and read their secrets.

    Raises ValueError where something is missing, or contradicts something else.
    """
    several = values.get(INSTANCES)
    if several is not None:
        return {name: _make(name, values, own_flag("iris", name)) for name in several}
    if values.get("iris.host"):
        name = values.get("iris.name", DEFAULT_NAME)
        return {name: _make(name, values, "iris")}
    given = set(values) - {"iris.host", PASSWORD, ACCESS_TOKEN, DISABLED}
    without_host = sorted(name for name in given if name.startswith("iris."))
    if without_host and "iris.host" not in values:
        raise ValueError(
            f"{without_host[0]} is set, but no instance: name its host with iris.host, or several "
            "below iris.instances"
        )
    return {}


def _make(name: str, values: Mapping[str, Any], where: str) -> InstanceSettings:
    """Make one instance: what is set for it alone, over what is set for all.

    `where` is what its own settings begin with.
    """
    groups = {prefix: _group(prefix, declared, name, values) for prefix, declared in GROUPS.items()}
    if values.get(DISABLED):
        groups["iris.monitoring"]["enabled"] = False
    fields = groups["iris"] | {"name": name} | _secrets(name, values, where)
    if not fields.get("host"):
        raise ValueError(f"{where}.host is missing: name the host of the instance")
    if fields.get("tls_ca_file") and not fields.get("tls"):
        raise ValueError(f"{where}.tls-ca-file is set, but {where}.tls is not: turn that on, too")
    instance = InstanceSettings(
        **fields,
        monitoring=MonitoringSettings(**groups["iris.monitoring"]),
        governor=GovernorSettings(**groups["iris.governor"]),
    )
    if instance.password and not instance.username:
        raise ValueError(f"{where}.username is missing: there is a password, but nobody's")
    for part, check in (("monitoring", instance.policy), ("governor", instance.rules)):
        try:
            check()
        except ValueError as error:
            raise ValueError(f"{where}.{part}: {error}") from error
    return instance


def _group(
    prefix: str, declared: type[Any], name: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    given = {}
    for field in dataclasses.fields(declared):
        flag = f"{prefix}.{field.name.replace('_', '-')}"
        for each in (flag, own_flag(flag, name)):
            if each in values and field.metadata:
                given[field.name] = values[each]
    return given


def _secrets(name: str, values: Mapping[str, Any], where: str) -> dict[str, Secret]:
    """Read what the instance logs in with: its own, or else what all have."""
    files = {"password": "iris.password-file", "access_token": "iris.access-token-file"}
    own = {field: own_flag(flag, name) for field, flag in files.items()}
    chosen = own if any(values.get(flag) for flag in own.values()) else files
    found: dict[str, Secret] = {}
    given = []
    if chosen is files:
        for field, flag in (("password", PASSWORD), ("access_token", ACCESS_TOKEN)):
            if values.get(flag):
                found[field] = values[flag]
                given.append(f"PERFWATCH_{flag.upper().replace('.', '_').replace('-', '_')}")
    for field, flag in chosen.items():
        if path := values.get(flag):
            given.append(flag)
            try:
                found[field] = read_secret(path)
            except ValueError as error:
                raise ValueError(f"{flag}: {error}") from error
    if len(given) > 1:
        raise ValueError(f"{where}: {' and '.join(given)} are both set: keep one way to log in")
    return found

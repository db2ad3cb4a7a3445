"""Settings of IRIS, as words of the command line set them."""

from __future__ import annotations

from exporter.arguments import Parser, read_settings
from exporter.iris.settings import InstanceSettings
from exporter.settings import Settings


def read(*words: str) -> Settings:
    """Read as `perfwatch run` does, without starting anything."""
    return read_settings(Parser("perfwatch", ""), words)[0]


def only(*words: str) -> InstanceSettings:
    """The one instance that these words set."""
    [instance] = read("--iris.host=db1", *words).iris.values()
    return instance

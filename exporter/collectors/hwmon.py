"""Sensors of hardware monitoring chips from /sys/class/hwmon.

Source: Linux drivers/hwmon/, as Documentation/hwmon/sysfs-interface.rst describes it, since 2.6.12;
before 3.15 many drivers kept the attributes beside the device (`hwmonN/device/temp1_input`). Needs
no rights. A sensor that does not answer, whatever its bus says, has no series.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, groupby
from pathlib import PurePath
from typing import NamedTuple

from exporter.attributes import Attributes
from exporter.collectors._hwmon_names import Place, clean, find_column, parse_name
from exporter.families import Digits, Filled, LabelValues, Layout, Series
from exporter.kernel import KernelTree, NoData
from exporter.options import NameFilter, option, parse_regexp, reject_both
from exporter.parsing import shorten
from exporter.table import Column, Table

FOLDER = "class/hwmon"


@dataclass(frozen=True, slots=True)
class Options:
    """Which chips and sensors are shown."""

    chip_include: re.Pattern[str] | None = option(
        None, "Regexp of the only chips to show (not with chip-exclude).", parse=parse_regexp
    )
    chip_exclude: re.Pattern[str] | None = option(
        None, "Regexp of chips to leave out (not with chip-include).", parse=parse_regexp
    )
    sensor_include: re.Pattern[str] | None = option(
        None,
        "Regexp of the only sensors to show, as chip;sensor (not with sensor-exclude).",
        parse=parse_regexp,
    )
    sensor_exclude: re.Pattern[str] | None = option(
        None,
        "Regexp of sensors to leave out, as chip;sensor (not with sensor-include).",
        parse=parse_regexp,
    )

    def __post_init__(self) -> None:
        reject_both(self.chip_include, self.chip_exclude, "chip")
        reject_both(self.sensor_include, self.sensor_exclude, "sensor")


_READING = re.compile(rb"-?[0-9]{1,40}(?:\.[0-9]{1,40})?\Z")


def parse_reading(text: bytes) -> Digits:
    """Check a number. Raises ValueError when it is none, as with `unknown` or `95.0%`."""
    if not _READING.match(text):
        raise ValueError(f"not a reading of a sensor: {shorten(text)}")
    return text


class _Chip(NamedTuple):
    """What /sys/class/hwmon says of a chip; another chip under the same number differs."""

    folder: str
    target: str
    files: list[str]


class _Reading(NamedTuple):
    """An attribute that is shown as a number."""

    column: Column
    labels: LabelValues
    path: str


class HwmonCollector:
    """Temperatures, voltages, fans and whatever else sensors measure."""

    name = "hwmon"

    def __init__(self, kernel: KernelTree, options: Options | None = None) -> None:
        options = options or Options()
        self._kernel = kernel
        self._attributes = Attributes(kernel, FOLDER)
        self._chip_filter = NameFilter(options.chip_include, options.chip_exclude)
        self._sensor_filter = NameFilter(options.sensor_include, options.sensor_exclude)
        self._chips: list[_Chip] = []
        self._readings: list[_Reading] = []
        self._shown: list[bool] = []
        self._layout = Layout(())
        self._chip_names = Table(
            (Column("node_hwmon_chip_names", "Name of the chip's driver; always 1.", "gauge"),),
            ("chip", "chip_name"),
        )
        self._sensor_labels = Table(
            (Column("node_hwmon_sensor_label", "What the sensor is for; always 1.", "gauge"),),
            ("chip", "sensor", "label"),
        )

    def collect(self) -> Iterable[Filled]:
        """Yield the names of chips, the labels of sensors, and all readings."""
        folders = self._attributes.names()
        if not folders:
            raise NoData("/sys/class/hwmon is empty or missing: no driver of a sensor is loaded")
        chips = [
            _Chip(
                folder,
                self._kernel.link_target(f"{FOLDER}/{folder}"),
                self._kernel.list_folder(f"{FOLDER}/{folder}"),
            )
            for folder in folders
        ]
        if chips != self._chips:
            self._find(chips)
        numbers = [self._read(reading.path) for reading in self._readings]
        shown = [number is not None for number in numbers]
        if shown != self._shown:
            self._layout = _lay_out(compress(self._readings, shown))
            self._shown = shown
        yield self._filled_names
        yield self._filled_labels
        yield self._layout.fill([number for number in numbers if number is not None])

    def _read(self, path: str) -> Digits | None:
        """Read a sensor; none whatever is wrong with it, for the other sensors' sake."""
        try:
            text = self._attributes.read(path)
            return None if text is None else parse_reading(text)
        except (OSError, ValueError):
            return None

    def _find(self, chips: list[_Chip]) -> None:
        """Look through all chips, since one came, went or changed its number."""
        self._attributes.forget()
        self._chips = []  # so that it is done again if it fails
        names: dict[LabelValues, list[int]] = {}
        labels: dict[LabelValues, list[int]] = {}
        readings: dict[tuple[str, LabelValues], _Reading] = {}
        owners: dict[tuple[str, str], _Chip] = {}
        for chip in chips:
            device = PurePath(self._kernel.resolve(f"{FOLDER}/{chip.folder}/device"))
            name = self._name_chip(chip.folder, device)
            if not self._chip_filter.accepts(name):
                continue
            if driver := clean(self._attributes.text(f"{chip.folder}/name") or ""):
                names[name, driver] = [1]
            # Two chips of one device have the same name: a sensor is that of the first one.
            places = {
                place: path
                for place, path in self._find_places(chip, device).items()
                if owners.setdefault((name, place.sensor), chip) is chip
            }
            texts = self._find_labels(places)
            for sensor, text in texts.items():
                if self._sensor_filter.accepts(f"{name};{sensor}"):
                    labels[name, sensor, text] = [1]
            for reading in self._find_readings(name, places, texts):
                # Two clocks may have the same label: the first one counts.
                readings.setdefault((reading.column.name, reading.labels), reading)
        self._filled_names = self._chip_names.fill(names)
        self._filled_labels = self._sensor_labels.fill(labels)
        self._readings = sorted(readings.values(), key=lambda reading: reading.column.name)
        self._shown = []
        self._layout = Layout(())
        self._chips = chips

    def _name_chip(self, folder: str, device: PurePath) -> str:
        """Name a chip after its device, which stays: hwmonN is just the order of loading."""
        parent, own = clean(device.parent.name), clean(device.name)
        if own:
            return f"{parent}_{own}" if parent else own
        return clean(self._attributes.text(f"{folder}/name") or "") or clean(folder)

    def _find_places(self, chip: _Chip, device: PurePath) -> dict[Place, str]:
        """Find the sensors' attributes, those beside the device as well."""
        places = {
            place: f"{chip.folder}/{file}" for file in chip.files if (place := parse_name(file))
        }
        # A power supply has a temperature too, but in tenths of a degree.
        if device.name and device.parent.name != "power_supply":
            folder = f"{chip.folder}/device"
            files = self._kernel.list_folder(f"{FOLDER}/{folder}")
            places |= {place: f"{folder}/{file}" for file in files if (place := parse_name(file))}
        return places

    def _find_labels(self, places: dict[Place, str]) -> dict[str, str]:
        """Read what sensors are for: it stays as long as the chip."""
        found = {
            place.sensor: self._kernel.sys(f"{FOLDER}/{path}")
            for place, path in places.items()
            if place.element == "label"
        }
        texts = {}
        for sensor, file in found.items():
            try:
                texts[sensor] = file.read().strip(b"\n").decode("utf-8", "replace")
            except OSError:
                continue
        return texts

    def _find_readings(
        self, chip: str, places: dict[Place, str], labels: dict[str, str]
    ) -> Iterator[_Reading]:
        for place, path in places.items():
            sensor = place.sensor
            column = find_column(place, has_bare=place._replace(element="") in places)
            if column is None or not self._sensor_filter.accepts(f"{chip};{sensor}"):
                continue
            if (place.kind, place.element) == ("freq", "input"):
                # As node_exporter: clocks go by their label, and without one there is no series.
                if sensor not in labels:
                    continue
                sensor = clean(labels[sensor])
            yield _Reading(column, (chip, sensor), path)


def _lay_out(readings: Iterable[_Reading]) -> Layout:
    """Group readings, which are sorted, into families."""
    families: list[Series] = []
    for column, members in groupby(readings, key=lambda reading: reading.column):
        rows: Sequence[LabelValues] = [reading.labels for reading in members]
        families.append(
            Series(column.name, column.help, column.type, ("chip", "sensor"), rows, column.exponent)
        )
    return Layout(families)

"""What udev knows about a device: its database below /run/udev/data.

One file per device (`b8:0` for the block device with these numbers), written by systemd-udevd
(systemd, libudev `device-private.c`: lines `E:KEY=value` are properties). Readable by everyone;
absent in most containers and on hosts without udev.
"""

from __future__ import annotations


def parse_udev_data(text: bytes) -> dict[str, str]:
    """Take the properties. Lines of other kinds (links, tags, times) are skipped."""
    properties = {}
    for line in text.split(b"\n"):  # a model may have other line breaks in it
        kind, _, rest = line.partition(b":")
        name, equals, value = rest.partition(b"=")
        if kind == b"E" and equals:
            properties[name.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
    return properties

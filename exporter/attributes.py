"""The attributes of devices in sysfs: a directory, its entries, and the small files below them.

What a device does not have is hardly asked for; what it has is kept open and costs a microsecond.
A device that goes away takes its attributes with it, and one that comes is asked anew.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence

from exporter.families import Digits
from exporter.kernel import KernelFile, KernelTree
from exporter.parsing import signed_integers

READS_UNTIL_LOOKED_FOR_AGAIN = 60
"""What a device did not have while it was being made known may have come since."""

MISSING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)

NO_VALUE = frozenset(
    {
        errno.EAGAIN,  # a sensor that is asleep (hwmon, thermal)
        errno.EBADMSG,
        errno.EBUSY,
        errno.EINVAL,  # the speed of an interface without a link
        errno.EIO,  # a sensor that does not answer
        errno.ENODATA,
        errno.ENODEV,  # the device has just gone
        errno.ENXIO,
        errno.EOPNOTSUPP,
        errno.EPROTO,
        errno.EREMOTEIO,  # nobody answers on an I2C bus
        errno.ETIME,
        errno.ETIMEDOUT,
    }
)
"""With these a driver says that there is no value now, which is no failure of ours."""


class Attributes:
    """The attributes below one directory of sysfs, such as `class/thermal`."""

    def __init__(self, kernel: KernelTree, folder: str) -> None:
        self._kernel = kernel
        self._folder = folder
        self._inodes: Sequence[tuple[str, int]] = ()
        self._names: list[str] = []
        self._files: dict[str, KernelFile] = {}
        self._absent: dict[str, int] = {}
        self.refused = ""
        """The last attribute for which the rights were missing, as an absolute path."""

    def names(self, prefix: str = "") -> list[str]:
        """List the directory's entries, sorted; none when there is no such directory.

        To be called at each collection: when the entries change, attributes are looked for anew.
        """
        inodes = self._kernel.list_inodes(self._folder)
        if inodes != self._inodes:
            self.forget()
            self._inodes = inodes
            self._names = [name for name, _ in inodes]
        return [name for name in self._names if name.startswith(prefix)]

    def read(self, path: str) -> bytes | None:
        """Give the content of `<device>/<attribute>` without white space around it.

        None when the device does not have the attribute, it has no value now, or the rights to
        read it are missing (then `refused` names it). Raises OSError on anything else.
        """
        reads_left = self._absent.get(path, 0)
        if reads_left:
            self._absent[path] = reads_left - 1
            return None
        file = self._files.get(path)
        if file is None:
            file = self._files[path] = self._kernel.sys(f"{self._folder}/{path}")
        try:
            return file.read().strip()
        except MISSING:
            self._absent[path] = READS_UNTIL_LOOKED_FOR_AGAIN
            del self._files[path]
        except PermissionError:
            self.refused = file.path
        except OSError as error:
            if error.errno not in NO_VALUE:
                raise
        return None

    def number(self, path: str) -> Digits | None:
        """Give an integer, which may be negative. Raises ValueError when it is something else."""
        content = self.read(path)
        return signed_integers([content])[0] if content else None

    def text(self, path: str) -> str | None:
        """Give a text; none when it is empty."""
        content = self.read(path)
        return content.decode("utf-8", "replace") if content else None

    def forget(self) -> None:
        """Look for everything anew: a kept descriptor stays with a device that was renamed."""
        for file in self._files.values():
            file.close()
        self._files.clear()
        self._absent.clear()

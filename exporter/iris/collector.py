"""What all instances have published, as one collector; and what their pressure means here.

A scrape reads what is finished, and waits for nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic
from typing import Protocol
from urllib.parse import urlsplit

from exporter.families import Family, Filled
from exporter.iris.governor.pressure import is_local
from exporter.iris.instance import Instance
from exporter.iris.keeper import Keeper
from exporter.iris.metrics.merging import Merger
from exporter.iris.secret_files import is_readable_by_others
from exporter.iris.settings import InstanceSettings
from exporter.kernel import KernelTree
from monitoring.structured_logging import StructuredLogger

log = StructuredLogger("perfwatch.iris")


class Costly(Protocol):
    """A collector that can be spared while the host is under pressure."""

    def suspend(self) -> None:
        """Do nothing, until `resume`."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...


class IrisCollector:
    """All instances of IRIS."""

    name = "iris"

    def __init__(
        self,
        instances: Mapping[str, InstanceSettings],
        make_kernel: Callable[[], KernelTree],
        *,
        acts: bool = True,
    ) -> None:
        """Start nothing. What does not act looks, and changes nothing in any instance."""
        self.instances = tuple(
            Instance(one, Keeper(one, make_kernel(), acts=acts), changed=self._relieve)
            for one in instances.values()
        )
        self._merger = Merger()
        self._costly: Sequence[Costly] = ()
        self._is_started = False
        self._lock = threading.Lock()
        files = (file for one in instances.values() for file in one.secret_files())
        for file in sorted({file for file in files if is_readable_by_others(file)}):
            log.warning("secret is readable by everybody", file=file)
        for one in instances.values():
            if _sends_secret_in_clear(one):
                log.warning("secret is sent without encryption", instance=one.name)

    def start(self, costly: Sequence[Costly] = ()) -> None:
        """Start the instances that do not run yet, and spare these collectors from now on."""
        with self._lock:
            self._costly = costly
        self._relieve()
        self._is_started = True
        self._start_instances()

    def wait(self, seconds: float) -> None:
        """Start the instances; wait until each has been tried once."""
        self.start()
        deadline = monotonic() + seconds
        for instance in self.instances:
            instance.wait(max(0.0, deadline - monotonic()))

    def collect(self) -> Iterable[Family | Filled]:
        """Give what is known of all instances, however old their threads have let it become."""
        if self._is_started:
            self._start_instances()
        return self._merger.merge([instance.families() for instance in self.instances])

    def describe(self) -> dict[str, dict[str, str]]:
        """Say how each instance is."""
        return {instance.name: instance.describe() for instance in self.instances}

    def close(self) -> None:
        """End the instances. Returns at once; their threads and workers end soon."""
        with self._lock:
            self._costly = ()
        for instance in self.instances:
            instance.close()

    def _start_instances(self) -> None:
        """Start those that do not run: there may have been no thread to be had before."""
        for instance in self.instances:
            instance.start()

    def _relieve(self) -> None:
        """Suspend what is costly while an instance on this host is under pressure."""
        with self._lock:
            if not self._costly:
                return
            presses = any(instance.presses for instance in self.instances)
            for one in self._costly:
                (one.suspend if presses else one.resume)()


def _sends_secret_in_clear(settings: InstanceSettings) -> bool:
    """Whether it logs in to its page of metrics by plain HTTP, and that on another host."""
    url = urlsplit(settings.metrics_url)
    has_login = bool(settings.username or settings.access_token)
    return has_login and url.scheme == "http" and not is_local(url.hostname or "")

"""The names of a region's Services, as hosts files for its pods: no DNS server runs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sandbox.controllers.api import SERVICE_LABEL, Api, Informer, Object

_DOMAIN = "svc.cluster.local"
_LIST_SECONDS = 30.0


def lines(services: Iterable[Mapping[str, Any]], slices: Iterable[Mapping[str, Any]], namespace: str) -> list[str]:
    """The hosts file of pods in `namespace`: addresses with the names that the cluster's DNS would answer for them."""
    pods: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for each in slices:
        metadata = each["metadata"]
        owner = (metadata["namespace"], (metadata.get("labels") or {}).get(SERVICE_LABEL, ""))
        pods.setdefault(owner, []).extend(_endpoints(each))
    found = []
    for service in services:
        metadata = service["metadata"]
        name, of = metadata["name"], metadata["namespace"]
        full = f"{name}.{of}.{_DOMAIN}"
        aliases = [full, f"{name}.{of}.svc", f"{name}.{of}", *([name] if of == namespace else [])]
        address = service["spec"].get("clusterIP", "None")
        members = pods.get((of, name), [])
        if address not in {"None", ""}:
            found.append(f"{address} {' '.join(aliases)}")
        else:
            found += [f"{ip} {' '.join(aliases)}" for ip, _ in members]
        found += [f"{ip} {' '.join(f'{host}.{alias}' for alias in aliases)}" for ip, host in members if host]
    return ["127.0.0.1 localhost", "::1 localhost", *sorted(found)]


def _endpoints(slice_: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The addresses of ready endpoints, with their host names; empty for those without one."""
    for endpoint in slice_.get("endpoints") or []:
        if (endpoint.get("conditions") or {}).get("ready", True) is not False:
            yield from ((address, endpoint.get("hostname", "")) for address in endpoint["addresses"])


class Names:
    """Keeps a hosts file for every namespace that asked for one."""

    def __init__(self, api: Api, directory: Path, also: Callable[[list[Object], list[Object]], None]) -> None:
        """`also` is called with all Services and EndpointSlices whenever one of them has changed."""
        self.services = Informer(api, "/api/v1/services", self._changed, self._changed)
        self.slices = Informer(api, "/apis/discovery.k8s.io/v1/endpointslices", self._changed, self._changed)
        self._directory, self._also = directory, also
        self._lock = threading.Lock()
        self._written: dict[str, str] = {}

    def start(self) -> None:
        """Start to follow the Services, and wait until all are known."""
        for informer in (self.services, self.slices):
            informer.start()
            informer.await_list(_LIST_SECONDS)

    def stop(self) -> None:
        """Stop to follow."""
        for informer in (self.services, self.slices):
            informer.stop()

    def hosts_of(self, namespace: str) -> Path:
        """The hosts file for pods of the namespace; always the same file, with changing content."""
        path = self._directory / f"{namespace}.hosts"
        with self._lock:
            self._written.setdefault(namespace, "")
            self._write(namespace)
        return path

    def resolver_of(self, namespace: str) -> Path:
        """The resolv.conf for pods of the namespace. It has no server: what is not in the hosts file is not found."""
        path = self._directory / f"{namespace}.resolv"
        search = f"{namespace}.{_DOMAIN} {_DOMAIN} cluster.local"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"search {search}\noptions ndots:5 timeout:1 attempts:1\n")
        return path

    def _changed(self, _item: Object) -> None:
        with self._lock:
            self._also(*self._known())
            for namespace in self._written:
                self._write(namespace)

    def _known(self) -> tuple[list[Object], list[Object]]:
        return list(self.services.objects.values()), list(self.slices.objects.values())

    def _write(self, namespace: str) -> None:
        text = "\n".join([*lines(*self._known(), namespace), ""])
        if text == self._written[namespace]:
            return
        self._written[namespace] = text
        # In place, because the file is mounted in pods.
        self._directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._directory / f"{namespace}.hosts", os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(descriptor, text.encode(), 0)
            os.ftruncate(descriptor, len(text.encode()))
        finally:
            os.close(descriptor)

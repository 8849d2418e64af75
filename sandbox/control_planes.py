"""All control planes of the sandbox: lists them, and starts and stops those of a stack."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import yaml

from sandbox import kubeconfig, lock, processes, progress, regions
from sandbox.controlplane import Cluster
from sandbox.layout import Layout
from sandbox.regions import ControlPlane, Region

# More at once is not faster on a machine with two or four cores.
_AT_ONCE = 2


def clusters(layout: Layout, stack: str | None = None) -> list[Cluster]:
    """The recorded control planes, all or those that a stack uses."""
    planes = regions.load_record(layout.registry).values()
    return [Cluster(layout, plane) for plane in planes if stack is None or stack in plane.stacks]


def start(layout: Layout, stack: str, wanted: list[Region]) -> None:
    """Start a control plane for each region that has none running, and write the kubeconfigs.

    Includes regions that the stack had before, because their objects must be deleted there (see `retire`).
    Raises `SandboxError`, with nothing changed, if another stack uses one of the regions.
    """
    with alone(layout):
        _start(layout, stack, wanted)


def alone(layout: Layout) -> AbstractContextManager[None]:
    """Keep other commands from starting and stopping control planes."""
    return lock.only_one(layout.registry_lock, "Another command starts or stops control planes; waiting for it.")


def _start(layout: Layout, stack: str, wanted: list[Region]) -> None:
    record = regions.assign(regions.load_record(layout.registry), stack, wanted)
    end_strays(layout)
    regions.save_record(layout.registry, record)
    names = dict.fromkeys([*(region.name for region in wanted), *_used_by(record, stack)])
    planes = [record[name] for name in names]
    abandoned = threading.Event()
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        try:
            list(pool.map(lambda plane: _start_one(Cluster(layout, plane, abandoned)), planes))
        except BaseException:
            abandoned.set()
            pool.shutdown(cancel_futures=True)
            raise
    write_kubeconfigs(layout, stack, planes)


def end_strays(layout: Layout) -> None:
    """End servers whose files a user deleted: they still hold ports, but are unusable."""
    # List servers before reading the record, so that a server started meanwhile is not a stray.
    running = processes.servers_of(layout.clusters)
    known = {
        process.pid
        for cluster in clusters(layout)
        if cluster.exists
        for process in processes.servers_of(cluster.directory)
    }
    strays = [process for process in running if process.pid not in known]
    if strays:
        progress.say(f"Ending {len(strays)} servers of control planes whose files were deleted.")
        processes.kill(strays)


def _start_one(cluster: Cluster) -> None:
    running = bool(cluster.servers)
    seconds = cluster.start()
    if not running:
        progress.say(f"Region {cluster.plane.name}: control plane started in {progress.elapsed(seconds)}.")


def write_kubeconfigs(layout: Layout, stack: str, planes: list[ControlPlane]) -> None:
    """Write the merged kubeconfig of all regions and that of this stack. Both point to the stack's first region."""
    own = [Cluster(layout, plane).kubeconfig for plane in planes]
    others = [path for path in sorted(layout.kubeconfigs.glob("*.yaml")) if path not in own]
    documents = [yaml.safe_load(path.read_text()) for path in [*own, *others]]
    kubeconfig.write(layout.kubeconfig, kubeconfig.merge(documents, planes[0].context))
    kubeconfig.write(layout.stack_kubeconfig(stack), kubeconfig.merge(documents[: len(own)], planes[0].context))


def remove(layout: Layout, stack: str) -> list[str]:
    """Stop and delete the control planes that no other stack uses; return their names."""
    with alone(layout):
        end_strays(layout)
        gone = _retire(layout, stack, [])
        layout.stack_kubeconfig(stack).unlink(missing_ok=True)
        return gone


def retire(layout: Layout, stack: str, wanted: list[Region]) -> list[str]:
    """Do the same for regions that the stack no longer has. Deploy the stack without them first."""
    with alone(layout):
        return _retire(layout, stack, wanted)


def _retire(layout: Layout, stack: str, wanted: list[Region]) -> list[str]:
    kept, unused = regions.release(regions.load_record(layout.registry), stack, [region.name for region in wanted])
    for plane in unused:
        Cluster(layout, plane).remove()
    regions.save_record(layout.registry, kept)
    _write_remaining_kubeconfigs(layout, stack, [kept[region.name] for region in wanted if region.name in kept])
    return [plane.name for plane in unused]


def clear(layout: Layout) -> None:
    """Stop and delete every control plane. Call inside `alone`."""
    for cluster in clusters(layout):
        cluster.remove()
    end_strays(layout)


def _used_by(record: Mapping[str, ControlPlane], stack: str) -> list[str]:
    return [name for name, plane in record.items() if stack in plane.stacks]


def _write_remaining_kubeconfigs(layout: Layout, stack: str, planes: list[ControlPlane]) -> None:
    if planes:
        write_kubeconfigs(layout, stack, planes)
        return
    left = [yaml.safe_load(path.read_text()) for path in sorted(layout.kubeconfigs.glob("*.yaml"))]
    if left:
        kubeconfig.write(layout.kubeconfig, kubeconfig.merge(left, kubeconfig.contexts(left[0])[0]))
    else:
        layout.kubeconfig.unlink(missing_ok=True)

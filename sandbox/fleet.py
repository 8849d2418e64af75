"""All control planes of the sandbox: which there are, and starting and stopping those of a stack."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import yaml

from sandbox import kubeconfig, processes, progress, regions
from sandbox.controlplane import Cluster
from sandbox.layout import Layout
from sandbox.regions import ControlPlane, Region

# Starting more at once is not faster on the two or four cores of a usual machine.
_AT_ONCE = 2


def clusters(layout: Layout, stack: str | None = None) -> list[Cluster]:
    """The recorded control planes, all or those that a stack uses."""
    planes = regions.load_record(layout.registry).values()
    return [Cluster(layout, plane) for plane in planes if stack is None or stack in plane.stacks]


def start(layout: Layout, stack: str, wanted: list[Region]) -> None:
    """Starts a control plane for each region, those that run already included, and writes the kubeconfigs."""
    end_strays(layout)
    record = regions.assign(regions.load_record(layout.registry), stack, wanted)
    regions.save_record(layout.registry, record)
    planes = [record[region.name] for region in wanted]
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
    """Ends servers whose files were deleted by hand: they hold ports, and nobody can use them any more."""
    known = {
        process.pid
        for cluster in clusters(layout)
        if cluster.exists
        for process in processes.servers_of(cluster.directory)
    }
    strays = [process for process in processes.servers_of(layout.clusters) if process.pid not in known]
    if strays:
        progress.say(f"Ending {len(strays)} servers of control planes whose files are gone.")
        processes.stop(strays)


def _start_one(cluster: Cluster) -> None:
    running = bool(cluster.servers)
    seconds = cluster.start()
    if not running:
        progress.say(f"Region {cluster.plane.name}: control plane started in {progress.elapsed(seconds)}.")


def write_kubeconfigs(layout: Layout, stack: str, planes: list[ControlPlane]) -> None:
    """The merged kubeconfig of all regions, and the one of this stack; both point to the stack's first region."""
    own = [Cluster(layout, plane).kubeconfig for plane in planes]
    others = [path for path in sorted(layout.kubeconfigs.glob("*.yaml")) if path not in own]
    documents = [yaml.safe_load(path.read_text()) for path in [*own, *others]]
    kubeconfig.write(layout.kubeconfig, kubeconfig.merge(documents, planes[0].context))
    kubeconfig.write(layout.stack_kubeconfig(stack), kubeconfig.merge(documents[: len(own)], planes[0].context))


def remove(layout: Layout, stack: str) -> list[str]:
    """Stops and deletes the control planes that no other stack uses; their names."""
    end_strays(layout)
    kept, unused = regions.release(regions.load_record(layout.registry), stack)
    for plane in unused:
        Cluster(layout, plane).remove()
    regions.save_record(layout.registry, kept)
    layout.stack_kubeconfig(stack).unlink(missing_ok=True)
    left = [yaml.safe_load(path.read_text()) for path in sorted(layout.kubeconfigs.glob("*.yaml"))]
    if left:
        kubeconfig.write(layout.kubeconfig, kubeconfig.merge(left, kubeconfig.contexts(left[0])[0]))
    else:
        layout.kubeconfig.unlink(missing_ok=True)
    return [plane.name for plane in unused]

"""Deploys a stack on the user's own cluster, with the official CLI, its plugins and the user's backend.

From the sandbox it uses only the home folder, for a copy of the stack file with the context in it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from sandbox import child, engine, kubeconfig, progress, regions, releases, state
from sandbox.layout import Layout, SandboxError

_REFRESH = "Go on with `pulumi up --refresh`: a plain `pulumi up` would rely on resources that are gone."
_ENCRYPTION_KEYS = ("encryptionsalt", "encryptedkey", "secretsprovider")


def up(layout: Layout, stack: str, context: str) -> int:
    """Deploy the stack on the cluster of the kubeconfig context; return the CLI's exit status."""
    cli, folder = _ready(layout, stack, context)
    if status := _run(cli, layout, "stack", "select", stack, "--create", "--cwd", str(folder)):
        return status
    _refuse_another(cli, layout, stack, context)
    print(f"Deploying stack {stack} on the cluster of context {context}, with {cli}.", file=sys.stderr, flush=True)
    return _run(cli, layout, "up", *_options(folder, stack))


def down(layout: Layout, stack: str, context: str) -> int:
    """Destroy the deployment of `up` on the context's cluster; return the CLI's exit status."""
    cli, folder = _ready(layout, stack, context)
    _refuse_another(cli, layout, stack, context)
    return _run(cli, layout, "destroy", *_options(folder, stack))


def recover(layout: Layout, stack: str) -> int:
    """Repair Helm releases that a killed run left half done, in all clusters of the stack; return their number.

    Says so if the state needs a refresh, which waits for the user: it may need credentials of clouds, or drop a region.
    """
    cli = engine.on_path()
    if cli is None:
        raise SandboxError(
            "The official Pulumi CLI, which has the stack, is not on PATH. "
            "Add its folder to PATH, or install it from https://www.pulumi.com/docs/install/."
        )
    exported = _exported(cli, layout, stack, "--show-secrets")
    with releases.clusters_of(exported) as clusters:
        deployment = releases.deployment_of(exported)
        repaired = releases.recover(layout, clusters, deployment)
        if state.left_behind(deployment) or any(release.was_going for release in repaired):
            progress.say(f"Stack {stack}: the killed run was changing or deleting resources. {_REFRESH}")
        return len(repaired)


def _exported(cli: Path, layout: Layout, stack: str, *options: str) -> dict[str, Any]:
    """The stack's state."""
    exported = subprocess.run(
        [str(cli), "stack", "export", "--stack", stack, *options],
        cwd=layout.project,
        capture_output=True,
        text=True,
        check=False,
    )
    if exported.returncode:
        raise SandboxError(f"The state of stack {stack} cannot be read:\n{exported.stderr.strip()}")
    return dict(json.loads(exported.stdout))


def _ready(layout: Layout, stack: str, context: str) -> tuple[Path, Path]:
    """The official CLI and the folder with the stack file for this context. Raises `SandboxError` on any problem."""
    if os.environ.get("PULUMI_HOME") == str(layout.pulumi_home):
        raise SandboxError("This shell has the sandbox's environment. Use a new shell to deploy on another cluster.")
    cli = engine.on_path()
    if cli is None:
        raise SandboxError(
            "Deploying on your own cluster needs the official Pulumi CLI, but `pulumi` is not on PATH. "
            "Install it from https://www.pulumi.com/docs/install/."
        )
    known = kubeconfig.contexts(user_kubeconfig(os.environ))
    if context not in known:
        raise SandboxError(
            f"The kubeconfig has no context {context!r}. It has: {', '.join(known) or 'none'}. "
            "The kubeconfig is that of KUBECONFIG, else ~/.kube/config."
        )
    return cli, _write_folder(layout, stack, context)


def _refuse_another(cli: Path, layout: Layout, stack: str, context: str) -> None:
    """Raise `SandboxError` if the stack is deployed on the cluster of another context.

    A stack has one state. The engine would take another context for the same cluster and do nothing.
    """
    exported = _exported(cli, layout, stack)
    used = deployed_context(exported, str(user_kubeconfig(os.environ).get("current-context", "")))
    if used not in (None, context):
        raise SandboxError(
            f"Stack {stack} is deployed on the cluster of context {used}. Nothing was changed. "
            f"Destroy it there first: make down STACK={stack} CONTEXT={used}. If {context} is a new name of the same "
            f"cluster, write it into Pulumi.{stack}.yaml as the region's `context` and use the plain `pulumi up`. If "
            f"that cluster is gone: pulumi stack rm {stack} --force --preserve-config."
        )


def deployed_context(exported: Mapping[str, Any], current: str) -> str | None:
    """The context in an exported state; `current` if the state names none, None if it is empty."""
    resources = (exported.get("deployment") or {}).get("resources") or []
    providers = [one for one in resources if one["type"] == "pulumi:providers:kubernetes"]
    return next((one.get("inputs", {}).get("context") or current for one in providers), None)


def user_kubeconfig(environment: Mapping[str, str]) -> dict[str, Any]:
    """The user's kubeconfig files, merged."""
    paths = environment.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    files = [Path(path) for path in paths.split(os.pathsep) if path]
    documents = [yaml.safe_load(file.read_text()) or {} for file in files if file.is_file()]
    return kubeconfig.merge(documents, next(filter(None, (one.get("current-context") for one in documents)), ""))


def _write_folder(layout: Layout, stack: str, context: str) -> Path:
    """A folder with a project file and the stack's file for the context.

    The CLI may write encryption settings into the file, so they survive when it is written again.
    """
    source = layout.stack_file(stack)
    regions.read_regions(source)
    folder = layout.home / "contexts" / re.sub(r"[^A-Za-z0-9._-]", "_", context)
    target = folder / source.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text(f"name: {state.project_name(layout)}\nruntime: python\n")
    earlier = yaml.safe_load(target.read_text()) if target.is_file() else None
    document = with_context(yaml.safe_load(source.read_text()), context, earlier or {}, source.name)
    target.write_text(yaml.safe_dump(document, sort_keys=False))
    return folder


def with_context(
    document: Mapping[str, Any], context: str, earlier: Mapping[str, Any], source: str = "the stack file"
) -> dict[str, Any]:
    """The stack file with the context in its only region, and the encryption settings of an earlier copy."""
    result: dict[str, Any] = deepcopy(dict(document))
    entries = result["config"][regions.REGIONS_KEY]
    if len(entries) != 1:
        raise SandboxError(
            f"{source} has {len(entries)} regions, but a context is one cluster. "
            f"Give each region of {regions.REGIONS_KEY} its own `context` and use the plain `pulumi up`."
        )
    region, cloud = entries[0].get("name"), entries[0].get("cloud", "existing")
    if cloud != "existing":
        raise SandboxError(
            f"{source}: region {region} gets its cluster from {cloud}, so there is no context to choose. "
            "Use the plain `pulumi up`."
        )
    entries[0]["context"] = context
    kept = {key: earlier[key] for key in _ENCRYPTION_KEYS if key in earlier and key not in result}
    return {**result, **kept}


def _options(folder: Path, stack: str) -> list[str]:
    unattended = [] if sys.stdin.isatty() else ["--yes"]
    return ["--stack", stack, "--config-file", str(folder / f"Pulumi.{stack}.yaml"), *unattended]


def _run(cli: Path, layout: Layout, *arguments: str) -> int:
    return child.foreground([str(cli), *arguments], os.environ, str(layout.project))

"""Security contexts that the `restricted` Pod Security Standard requires.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

import pulumi_kubernetes as k8s

from components.versions import KUBERNETES_VERSION

POD_SECURITY_VERSION = f"v{KUBERNETES_VERSION}"


def restricted_pod(*, user: int, group: int | None = None) -> k8s.core.v1.PodSecurityContextArgs:
    """Return the pod's context: run as `user` (never root). `group` (default: the same number) owns the volumes."""
    group = user if group is None else group
    return k8s.core.v1.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=user,
        run_as_group=group,
        fs_group=group,
        fs_group_change_policy="OnRootMismatch",
        seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
    )


def restricted_container() -> k8s.core.v1.SecurityContextArgs:
    """Return the container's context: no privileges, no capabilities, a read-only root file system."""
    return k8s.core.v1.SecurityContextArgs(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"]),
    )

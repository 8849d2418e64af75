"""The Pod Security Standards as functions over pod specs, for objects outside an API server.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ (v1.35)
"""

from collections.abc import Iterator, Mapping
from typing import Any

Spec = Mapping[str, Any]

ALLOWED_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}
DEFAULT_CAPABILITIES = {
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
}
SECCOMP_TYPES = {"RuntimeDefault", "Localhost"}
APPARMOR_TYPES = {None, "RuntimeDefault", "Localhost"}
SELINUX_TYPES = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
HANDLERS = ("livenessProbe", "readinessProbe", "startupProbe")


def violations(spec: Spec) -> list[str]:
    """Violations of the restricted standard, one sentence each; empty when the pod spec passes."""
    return [
        *_pod_violations(spec),
        *(found for container in containers(spec) for found in _in_container(spec, container)),
    ]


def baseline_violations(spec: Spec) -> list[str]:
    """Violations of the baseline standard, one sentence each; empty when the pod spec passes."""
    shared = [f"{field} is true" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    paths = [
        f"volume {volume['name']} is of type hostPath" for volume in spec.get("volumes") or [] if "hostPath" in volume
    ]
    return [*shared, *paths, *(found for each in containers(spec) for found in _unconfined(each))]


def containers(spec: Spec) -> list[Spec]:
    """Every container of the pod: init, ordinary, ephemeral."""
    return [c for field in ("initContainers", "containers", "ephemeralContainers") for c in spec.get(field) or []]


def _unconfined(container: Spec) -> Iterator[str]:
    context = container.get("securityContext") or {}
    found = [
        *(["privileged is true"] if context.get("privileged") else []),
        *(["seccompProfile is Unconfined"] if context.get("seccompProfile", {}).get("type") == "Unconfined" else []),
        *(
            f"capabilities add {one}"
            for one in set(context.get("capabilities", {}).get("add", [])) - DEFAULT_CAPABILITIES
        ),
        *_host_access(container),
    ]
    yield from (f"container {container['name']}: {sentence}" for sentence in found)


def _pod_violations(spec: Spec) -> Iterator[str]:
    yield from (f"{field} is true" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field))
    for volume in spec.get("volumes") or []:
        kinds = set(volume) - {"name"}
        if not kinds or not kinds <= ALLOWED_VOLUMES:
            yield f"volume {volume['name']} is of type {', '.join(sorted(kinds)) or 'none'}"
    context = spec.get("securityContext", {})
    for sysctl in context.get("sysctls", []):
        if sysctl["name"] not in SAFE_SYSCTLS:
            yield f"sysctl {sysctl['name']} is not safe"
    yield from (f"pod: {found}" for found in _common(context))


def _in_container(spec: Spec, container: Spec) -> Iterator[str]:
    context = container.get("securityContext", {})
    found = [
        *_common(context),
        *_identity(spec.get("securityContext", {}), context),
        *_privileges(context),
        *_host_access(container),
    ]
    yield from (f"container {container['name']}: {sentence}" for sentence in found)


def _common(context: Spec) -> Iterator[str]:
    """Settings that neither the pod nor a container may have."""
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "hostProcess is true"
    if context.get("runAsUser") == 0:
        yield "runAsUser is 0"
    if context.get("appArmorProfile", {}).get("type") not in APPARMOR_TYPES:
        yield "appArmorProfile is not a confining one"
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield "seLinuxOptions has a type, user or role of its own"
    if "seccompProfile" in context and context["seccompProfile"].get("type") not in SECCOMP_TYPES:
        yield "seccompProfile is not RuntimeDefault or Localhost"


def _identity(pod: Spec, container: Spec) -> Iterator[str]:
    """Settings that the container, or else the pod, must have."""
    if container.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot is not true"
    if "seccompProfile" not in container and "seccompProfile" not in pod:
        yield "seccompProfile is not set"


def _privileges(context: Spec) -> Iterator[str]:
    if context.get("privileged"):
        yield "privileged is true"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    if context.get("procMount", "Default") != "Default":
        yield "procMount is not Default"
    capabilities = context.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []):
        yield "capabilities do not drop ALL"
    added = set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}
    if added:
        yield f"capabilities add {', '.join(sorted(added))}"


def _host_access(container: Spec) -> Iterator[str]:
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "a port has a hostPort"
    handlers = [container.get(name, {}) for name in HANDLERS] + list(container.get("lifecycle", {}).values())
    if any(handler.get(kind, {}).get("host") for handler in handlers for kind in ("httpGet", "tcpSocket")):
        yield "a probe or lifecycle handler names a host"

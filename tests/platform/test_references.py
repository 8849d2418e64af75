"""Each reference to another object matches that object's name, in every stack.

Nothing else reports a wrong reference until pods wait for the object.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support.references import RELEASE_TYPE, References, place, read_by, release_place
from tests.support.rendering import Rendered

pytestmark = pytest.mark.stack

NOT_OURS = {"kube-system", "kube-public", "default", "openshift-dns"}
"""Namespaces that every cluster has, and the namespace of OpenShift's DNS."""
COMES_WITH_REPLICAS = {"redis-proxy"}
"""Pods that a region with one replica lacks, although its policies already admit them."""
CLASSES_OF_CLOUDS = {"premium-rwo", "managed-csi-premium"}
"""StorageClasses of the clouds.

https://cloud.google.com/kubernetes-engine/docs/how-to/persistent-volumes/gce-pd-csi-driver,
https://learn.microsoft.com/azure/aks/concepts-storage. EKS brings no suitable class.
"""


def test_every_secret_and_config_map_that_pods_need_has_the_keys_that_they_read(stack: Rendered) -> None:
    names = References(stack)
    assert names.pods
    missing = []
    for pods in names.pods:
        for kind, name, key in read_by(pods):
            keys = names.entries.get((kind, pods.place, name))
            if keys is None or (key is not None and key not in keys):
                missing.append((pods.owner, kind, name, key))
    assert missing == []


def test_every_pod_runs_as_an_account_that_is_there(stack: Rendered) -> None:
    names = References(stack)
    accounts = names.there("ServiceAccount")
    pods = [each for each in names.pods if each.spec.get("serviceAccountName", "default") != "default"]
    assert pods
    assert [each.owner for each in pods if (each.place, each.spec["serviceAccountName"]) not in accounts] == []


def test_every_claim_is_there_and_every_class_of_disks_too(stack: Rendered) -> None:
    names = References(stack)
    claims = names.there("PersistentVolumeClaim")
    named = [(pods.owner, pods.place, name) for pods in names.pods for name in _claims(pods.spec)]
    for release in stack.of_type(RELEASE_TYPE):
        named += [(release.name, release_place(release), name) for name in _claims(release.inputs.get("values"))]
    assert named
    assert [one for one in named if one[1:] not in claims] == []
    asked = [(one.name, place(one)[0], one.inputs["spec"]) for one in stack.objects("PersistentVolumeClaim")]
    for one in stack.objects("StatefulSet"):
        templates = one.inputs["spec"].get("volumeClaimTemplates", [])
        asked += [(one.name, place(one)[0], template["spec"]) for template in templates]
    assert asked
    own = names.there("StorageClass")
    classes = [(name, cluster, spec["storageClassName"]) for name, cluster, spec in asked if "storageClassName" in spec]
    strange = [one for one in classes if one[2] not in CLASSES_OF_CLOUDS and ((one[1], ""), one[2]) not in own]
    assert strange == []


def _claims(value: Any) -> Iterator[str]:
    """The names of the claims that a pod's specification, or a chart's values, mount."""
    if isinstance(value, dict):
        claim = value.get("persistentVolumeClaim")
        if isinstance(claim, dict) and "claimName" in claim:
            yield claim["claimName"]
        for item in value.values():
            yield from _claims(item)
    elif isinstance(value, list):
        for item in value:
            yield from _claims(item)


def test_every_service_selects_pods_and_finds_its_ports_there(stack: Rendered) -> None:
    names = References(stack)
    services = [
        one for one in names.own("Service") if one.inputs["spec"].get("selector") and place(one) not in names.charts()
    ]
    assert services
    for service in services:
        spec = service.inputs["spec"]
        chosen = names.selected(place(service), spec["selector"])
        assert chosen, service.name
        for port in spec["ports"]:
            target = port.get("targetPort", port["port"])
            assert all(target in pods.ports or target in pods.ports.values() for pods in chosen), (service.name, target)


def test_every_stateful_set_has_the_service_that_its_pods_are_called_after(stack: Rendered) -> None:
    services = References(stack).there("Service")
    sets = stack.some_objects("StatefulSet")
    assert [one.name for one in sets if (place(one), one.inputs["spec"]["serviceName"]) not in services] == []


def test_budgets_autoscalers_and_rights_are_of_something_that_is_there(stack: Rendered) -> None:
    names = References(stack)
    for budget in names.own("PodDisruptionBudget"):
        assert names.selected(place(budget), budget.inputs["spec"]["selector"]["matchLabels"]), budget.name
    # The services' chart has all the autoscalers, where KEDA does not scale. Under mocks they name their targets.
    scalers = [one for kind in ("HorizontalPodAutoscaler", "ScaledObject") for one in stack.objects(kind)]
    assert scalers
    for scaler in scalers:
        target = scaler.inputs["spec"]["scaleTargetRef"]
        # KEDA's own default is a Deployment.
        assert (place(scaler), target["name"]) in names.there(target.get("kind", "Deployment")), scaler.name
    # A stack with one region has no account of another region, and so may have no binding.
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for binding in names.own_if_any(kind):
            cluster, namespace = place(binding)
            role = binding.inputs["roleRef"]
            where = (cluster, namespace if role["kind"] == "Role" else "")
            assert (where, role["name"]) in names.there(role["kind"]), binding.name
            for subject in binding.inputs["subjects"]:
                account = ((cluster, subject["namespace"]), subject["name"])
                assert account in names.there("ServiceAccount"), binding.name


def test_every_monitor_finds_what_it_scrapes_and_a_port_of_that_name(stack: Rendered) -> None:
    names = References(stack)
    services = names.own("Service")
    # A chart's own pods and Services are unknown under mocks; test_real_charts.py has them, and every PodMonitor.
    monitors = [one for one in names.own("ServiceMonitor") if place(one) not in names.charts()]
    assert monitors
    for monitor in monitors:
        labels = monitor.inputs["spec"]["selector"]["matchLabels"]
        chosen = [
            service
            for service in services
            if place(service) == place(monitor) and _has(service.inputs["metadata"]["labels"], labels)
        ]
        assert chosen, monitor.name
        ports = {port["name"] for service in chosen for port in service.inputs["spec"]["ports"]}
        assert {endpoint["port"] for endpoint in monitor.inputs["spec"]["endpoints"]} <= ports, monitor.name


def _has(labels: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    return asked.items() <= labels.items()


def test_network_policies_speak_of_namespaces_and_pods_that_are_there(stack: Rendered) -> None:
    names = References(stack)
    there = {(cluster, name) for (cluster, _), name in names.there("Namespace")}
    charts = names.charts()
    for policy in names.own("NetworkPolicy"):
        cluster, namespace = place(policy)
        spec = policy.inputs["spec"]
        own = spec["podSelector"].get("matchLabels", {})
        assert (cluster, namespace) in charts or not own or names.selected((cluster, namespace), own), policy.name
        rules = [*spec.get("ingress", []), *spec.get("egress", [])]
        for peer in [peer for rule in rules for peer in [*rule.get("from", []), *rule.get("to", [])]]:
            meant = peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name")
            assert meant is None or meant in NOT_OURS or (cluster, meant) in there, (policy.name, meant)
            where = (cluster, meant or namespace)
            pods = peer.get("podSelector", {}).get("matchLabels", {})
            if pods and where not in charts and where[1] not in NOT_OURS and not COMES_WITH_REPLICAS & {*pods.values()}:
                assert names.selected(where, pods), (policy.name, where, pods)


def test_gateways_show_certificates_that_are_there_and_routes_name_gateways_that_are_there(stack: Rendered) -> None:
    names = References(stack)
    shown = [
        ("Secret", place(gateway), server["tls"]["credentialName"])
        for gateway in stack.some_objects("Gateway")
        for server in gateway.inputs["spec"]["servers"]
        if "credentialName" in server.get("tls", {})
    ]
    assert shown
    assert [one for one in shown if one not in names.entries] == []
    gateways = names.there("Gateway")
    for route in stack.some_objects("VirtualService"):
        for gateway in route.inputs["spec"].get("gateways", []):
            namespace, _, name = gateway.rpartition("/")
            where = (place(route)[0], namespace or place(route)[1])
            assert name == "mesh" or (where, name) in gateways, (route.name, gateway)

"""How `network_rules` reads network policies, checked with the examples of Kubernetes' documentation."""

from typing import Any

import pytest

from tests.support.network_rules import Pods, Policies, Port, matches

pytestmark = pytest.mark.conformance

PLACES = {"web": {"team": "a"}, "data": {}}


def pods(namespace: str, app: str, *ports: Port, host_network: bool = False) -> Pods:
    labels = {"app": app}
    return Pods(maker=app, namespace=namespace, labels=labels, spec={}, ports=ports, host_network=host_network)


def policies(*specs: dict[str, Any], namespace: str = "data") -> Policies:
    found = [{"kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": namespace}, "spec": s} for s in specs]
    return Policies(policies=found, namespaces=PLACES)


DATABASE = pods("data", "database", Port(name="sql", number=5432))
CLIENT, STRANGER = pods("web", "client"), pods("web", "stranger")
PEER = pods("data", "client")
ALL_PODS: dict[str, Any] = {"podSelector": {}}


def admitting(*rules: dict[str, Any]) -> Policies:
    return policies({**ALL_PODS, "policyTypes": ["Ingress"], "ingress": list(rules)})


def test_pods_without_a_policy_are_open() -> None:
    assert policies().admits(DATABASE, CLIENT, 5432)
    assert policies(ALL_PODS, namespace="web").admits(DATABASE, CLIENT, 5432)


def test_a_policy_without_rules_closes_its_directions_only() -> None:
    closed = policies(ALL_PODS)
    assert not closed.admits(DATABASE, CLIENT, 5432)
    assert closed.lets_out(DATABASE, CLIENT, 80)
    assert not policies({**ALL_PODS, "policyTypes": ["Egress"]}).lets_out(DATABASE, CLIENT, 80)


def test_policies_add_up() -> None:
    rule = {"ingress": [{"ports": [{"port": 5432}]}]}
    assert policies(ALL_PODS, {**ALL_PODS, **rule}).admits(DATABASE, None, 5432)


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [
        ({"podSelector": {"matchLabels": {"app": "client"}}}, [PEER]),
        ({"namespaceSelector": {"matchLabels": {"team": "a"}}}, [CLIENT, STRANGER]),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "data"}}}, [PEER]),
        (
            {"namespaceSelector": {"matchLabels": {"team": "a"}}, "podSelector": {"matchLabels": {"app": "client"}}},
            [CLIENT],
        ),
        ({"namespaceSelector": {}}, [CLIENT, STRANGER, PEER]),
        ({"ipBlock": {"cidr": "0.0.0.0/0"}}, [None]),
    ],
    ids=str,
)
def test_a_peer_is_what_its_selectors_say_together(peer: dict[str, Any], allowed: list[Pods | None]) -> None:
    found = admitting({"from": [peer]})
    everybody = [CLIENT, STRANGER, PEER, None]
    assert [one for one in everybody if found.admits(DATABASE, one, 5432)] == allowed


@pytest.mark.parametrize(
    ("block", "allowed"),
    [
        ({"cidr": "192.0.2.0/24"}, True),
        ({"cidr": "192.0.2.7/32"}, True),
        ({"cidr": "198.51.100.0/24"}, False),
        ({"cidr": "192.0.2.0/24", "except": ["192.0.2.0/28"]}, False),
    ],
    ids=str,
)
def test_an_address_is_allowed_by_a_block_that_has_all_of_it(block: dict[str, Any], allowed: bool) -> None:
    assert admitting({"from": [{"ipBlock": block}]}).admits(DATABASE, "192.0.2.7/32", 5432) is allowed


def test_a_rule_without_peers_admits_everybody() -> None:
    assert admitting({}).admits(DATABASE, None, 5432)


@pytest.mark.parametrize(
    ("rule", "opened"),
    [
        ({"port": 5432}, [5432]),
        ({"port": "sql"}, [5432]),
        ({"port": "other"}, []),
        ({"port": 5430, "endPort": 5433}, [5432, 5433]),
        ({"port": 5432, "protocol": "UDP"}, []),
        ({"protocol": "TCP"}, [5432, 5433]),
    ],
    ids=str,
)
def test_a_port_is_a_number_a_name_or_a_range(rule: dict[str, Any], opened: list[int]) -> None:
    found = admitting({"ports": [rule]})
    assert [port for port in (5432, 5433) if found.admits(DATABASE, CLIENT, port)] == opened


def test_pods_of_the_node_s_network_are_under_no_policy_and_no_selector_s() -> None:
    node = pods("data", "client", host_network=True)
    assert admitting().admits(node, CLIENT, 80)
    assert not admitting({"from": [{"namespaceSelector": {}}]}).admits(DATABASE, node, 5432)


@pytest.mark.parametrize(
    ("expression", "taken"),
    [
        ({"key": "app", "operator": "In", "values": ["client"]}, True),
        ({"key": "app", "operator": "NotIn", "values": ["client"]}, False),
        ({"key": "app", "operator": "Exists"}, True),
        ({"key": "app", "operator": "DoesNotExist"}, False),
        ({"key": "tier", "operator": "NotIn", "values": ["x"]}, True),
    ],
    ids=str,
)
def test_expressions_select(expression: dict[str, Any], taken: bool) -> None:
    assert matches({"matchExpressions": [expression]}, CLIENT.labels) is taken

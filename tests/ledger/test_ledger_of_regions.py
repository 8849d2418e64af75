"""The ledger in rendered stacks: who reaches whom, what waits for what, and what one region more changes."""

import json
from typing import Any

import pytest
import yaml

from components.ledger import configuration, proxy
from components.ledger.identities import PEER_PORT
from components.metadata import selector
from components.namespaces import LEDGER
from tests.support.data_services import container, secret_texts, waits_for
from tests.support.network_policies import Pods, may_send
from tests.support.regions import (
    FIVE,
    IOWA,
    MIXED,
    VIRGINIA,
    changed,
    egress,
    ledgered,
    of_region,
    rendered,
    rendered_with,
)
from tests.support.rendering import ROOT, Rendered

pytestmark = pytest.mark.stack

REGIONS = [name for name, _ in MIXED]


def part(stack: Rendered, region: str, rest: str) -> dict[str, Any]:
    """The inputs of a part of the region's ledger."""
    return stack.named(f"{region}-ledger-{rest}").inputs


def members(stack: Rendered, region: str) -> dict[str, str]:
    return dict(part(stack, region, "members")["data"])


def test_without_a_ledger_there_is_nothing_of_it() -> None:
    stack = rendered(*MIXED)
    assert [r.name for r in stack.resources if "ledger" in r.name] == []


def test_all_regions_have_the_same_genesis_with_the_genesis_regions_first_validators() -> None:
    stack = ledgered(*MIXED, validators=2)
    (genesis,) = {members(stack, region)["genesis.json"] for region in REGIONS}
    assert [one["name"] for one in json.loads(genesis)["validators"]] == sorted(f"{name}-0" for name in REGIONS)


def test_neither_more_validators_nor_a_region_more_changes_the_genesis() -> None:
    before = members(ledgered(*MIXED), IOWA[0])["genesis.json"]
    for stack in (
        ledgered(*MIXED, validators=3),
        ledgered(*FIVE),
        ledgered(*reversed(MIXED), genesis_regions=MIXED[::-1]),
    ):
        assert members(stack, IOWA[0])["genesis.json"] == before


def test_a_genesis_region_that_left_stays_in_the_genesis_and_keeps_its_key() -> None:
    (gone,) = (name for name, _ in MIXED[2:])
    before, after = ledgered(*MIXED), ledgered(IOWA, VIRGINIA, formerGenesisRegions=[gone])
    assert members(after, IOWA[0])["genesis.json"] == members(before, IOWA[0])["genesis.json"]
    key = f"{gone}-ledger-keys-0-vote"
    assert before.named(key).urn == after.named(key).urn
    assert gone not in members(after, IOWA[0])["peers"]
    assert [r.name for r in after.objects() if r.name.startswith(gone)] == []


def test_the_second_region_changes_no_genesis() -> None:
    alone = rendered_with((IOWA,), ledger={"enabled": True})
    both = ledgered(IOWA, VIRGINIA, genesis_regions=(IOWA,))
    assert members(alone, IOWA[0])["genesis.json"] == members(both, IOWA[0])["genesis.json"]


def test_no_key_is_in_plain() -> None:
    stack = ledgered(*MIXED)
    for rest in ("key-files", "connection"):
        assert any("stringData" in path for path in stack.named(f"{IOWA[0]}-ledger-{rest}").secret_paths), rest
    held = part(stack, IOWA[0], "key-files")["stringData"]
    private = [json.loads(text)["priv_key"]["value"] for text in held.values()]
    assert len(private) == 2
    for resource in stack.resources:
        plain = json.dumps(resource.inputs) if not resource.secret_paths else ""
        assert not any(key in plain for key in private), resource.name
    outputs = json.dumps(stack.outputs) + json.dumps(stack.registered_outputs)
    assert not any(key in outputs for key in private)


def test_a_region_has_the_keys_of_its_own_validators_only() -> None:
    stack = ledgered(*MIXED, validators=2)
    keys = {region: part(stack, region, "key-files")["stringData"] for region in REGIONS}
    assert {frozenset(files) for files in keys.values()} == {
        frozenset(f"ledger-{index}.{file}.json" for index in (0, 1) for file in ("node_key", "priv_validator_key"))
    }
    assert len({text for files in keys.values() for text in files.values()}) == 2 * 2 * len(REGIONS)


@pytest.mark.parametrize("region", REGIONS)
def test_each_validator_has_a_peer_endpoint_by_which_all_others_call_it(region: str) -> None:
    stack = ledgered(*MIXED, validators=2)
    for index in (0, 1):
        endpoint = part(stack, region, f"peer-{index}-service")["spec"]
        assert endpoint["selector"]["statefulset.kubernetes.io/pod-name"] == f"ledger-{index}"
        assert [port["port"] for port in endpoint["ports"]] == [PEER_PORT]
        for other in REGIONS:
            lines = [line.split() for line in members(stack, other)["peers"].splitlines()]
            (address,) = (line[3] for line in lines if line[:2] == [region, str(index)])
            own = f"ledger-{index}.ledger-nodes.ledger.svc:26656"
            assert address == (own if other == region else f"{region}-{index}.peers.ledger.svc:26656")


@pytest.mark.parametrize("region", REGIONS)
def test_only_the_other_regions_reach_the_validators_and_only_these_reach_them(region: str) -> None:
    stack, others = ledgered(*MIXED), [name for name in REGIONS if name != region]
    spec = part(stack, region, "network-policy")["spec"]

    def blocks(direction: str, ends: str) -> list[str]:
        rules = [rule for rule in spec[direction] if PEER_PORT in {one["port"] for one in rule["ports"]}]
        return sorted(peer["ipBlock"]["cidr"] for rule in rules for peer in rule[ends] if "ipBlock" in peer)

    assert blocks("ingress", "from") == sorted(address for other in others for address in egress(stack, other))
    named = part(stack, region, "peers-endpoints")["subsets"]
    assert blocks("egress", "to") == sorted(f"{one['ip']}/32" for subset in named for one in subset["addresses"])


def test_services_and_the_jobs_reach_the_proxy_and_nobody_reaches_cometbft_behind_it() -> None:
    stack = rendered_with(MIXED, monitoring={}, ledger={"enabled": True, "genesisRegions": REGIONS})
    spec = part(stack, IOWA[0], "network-policy")["spec"]["ingress"]
    opened = {port["port"] for rule in spec for port in rule["ports"]}
    assert opened == {proxy.PORT, PEER_PORT, configuration.METRICS_PORT}
    provider = stack.named(f"{IOWA[0]}-ledger-statefulset").provider

    def pods(labels: dict[str, str], namespace: str = "ledger") -> Pods:
        return Pods(provider=provider, namespace=namespace, labels=labels)

    node = pods(selector("ledger"))
    for job in ("ledger-admit", "ledger-remove"):
        assert may_send(stack, pods(selector(job)), node, proxy.PORT)
        assert not may_send(stack, pods(selector(job)), node, PEER_PORT)
    assert may_send(stack, node, node, PEER_PORT)


def test_the_chart_opens_the_way_to_the_proxy() -> None:
    values = yaml.safe_load((ROOT / "charts" / "sacred-council" / "values.yaml").read_text())
    assert values["networkPolicy"]["to"]["ledger"] == {"namespace": LEDGER, "ports": [proxy.PORT]}


def test_services_wait_until_the_region_s_validators_vote() -> None:
    stack = ledgered(*MIXED)
    secret = stack.named(f"{IOWA[0]}-ledger-connection")
    texts = secret_texts(secret.inputs)
    assert secret.inputs["metadata"]["namespace"] == "sacred-council"
    assert set(texts) == {"url", "host", "port", "chain.id", "region", "ca.crt", "tls.crt", "tls.key"}
    assert texts["url"] == "https://ledger.ledger.svc:8443"
    assert texts["chain.id"] == json.loads(members(stack, IOWA[0])["genesis.json"])["chain_id"]
    waited = waits_for(stack, secret)
    assert {f"{IOWA[0]}-ledger-statefulset", f"{IOWA[0]}-ledger-admit-job"} <= set(waited)
    assert f"{IOWA[0]}-ledger-remove-job" not in waited


def test_the_proxy_asks_for_a_certificate_of_the_region() -> None:
    stack = ledgered(*MIXED)
    text = part(stack, IOWA[0], "settings")["data"]["haproxy.cfg"]
    assert "verify required" in text
    for rest, name in (("votes", "votes"), ("client", "client")):
        subject = part(stack, IOWA[0], f"{rest}-certificate-request")["subject"]
        assert subject["commonName"] == f"ledger-{name}.{IOWA[0]}"
        assert f"ssl_c_s_dn(CN) -m str ledger-{name}.{IOWA[0]}\n" in text


def test_the_key_value_application_runs_in_the_validator_and_one_of_yours_beside_it() -> None:
    usual = part(ledgered(*MIXED), IOWA[0], "statefulset")["spec"]["template"]
    assert [one["name"] for one in usual["spec"]["containers"]] == ["ledger", "proxy"]
    own = ledgered(*MIXED, application={"image": "registry.example/promises:1.2"})
    template = part(own, IOWA[0], "statefulset")["spec"]["template"]
    application = container(template, "application")
    assert application["image"] == "registry.example/promises:1.2"
    assert {one["name"]: one["value"] for one in application["env"]} == {
        "LEDGER_SOCKET": "unix:///ledger/run/application.sock",
        "LEDGER_DATA": "/ledger/application",
    }
    shared = [
        {mount["mountPath"] for mount in container(template, name)["volumeMounts"] if mount["name"] == "run"}
        for name in ("ledger", "application")
    ]
    assert shared == [{"/ledger/run"}, {"/ledger/run"}]


def test_with_snapshots_the_proxy_takes_peers_and_leads_to_two_other_regions() -> None:
    own = {"image": "registry.example/promises:1.2"}
    stack = ledgered(*MIXED, application=own, snapshotInterval=1000, retainBlocks=5000)
    template = part(stack, IOWA[0], "statefulset")["spec"]["template"]
    ports = {one["name"]: [port["name"] for port in one.get("ports", [])] for one in template["spec"]["containers"]}
    assert ports == {"ledger": ["metrics"], "proxy": ["https", "health", "peers"], "application": []}
    others = members(stack, IOWA[0])["others.cfg"]
    assert all(f"{name}-0.peers.ledger.svc:26656" in others for name in REGIONS if name != IOWA[0])
    variables = {one["name"]: one["value"] for one in container(template, "application")["env"]}
    assert (variables["LEDGER_SNAPSHOT_INTERVAL"], variables["LEDGER_RETAIN_BLOCKS"]) == ("1000", "5000")


def test_a_new_region_restarts_no_validator_with_snapshots_either() -> None:
    own: dict[str, Any] = {"application": {"image": "registry.example/promises:1.2"}, "snapshotInterval": 1000}
    before, after = ledgered(*MIXED, **own), ledgered(*FIVE, **own)
    for region in REGIONS:
        assert "ledger-statefulset" not in changed(before, after, region)


def test_what_a_validator_signed_is_on_its_volume() -> None:
    spec = part(ledgered(*MIXED), IOWA[0], "statefulset")["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    mounts = {one["mountPath"]: one for one in container(spec["template"], "ledger")["volumeMounts"]}
    assert mounts["/ledger/data"]["name"] == claim["metadata"]["name"]
    assert claim["spec"]["resources"]["requests"] == {"storage": "20Gi"}


def test_a_new_region_restarts_no_validator_of_the_others() -> None:
    before, after = ledgered(*MIXED), ledgered(*FIVE)
    known = {"ledger-members", "ledger-network-policy", "ledger-peer-0-service", "ledger-peers-endpoints"}
    votes = {"ledger-remove-job", "ledger-remove-settings"}
    for region in REGIONS:
        touched = {key for key in changed(before, after, region) if key.startswith("ledger")}
        assert touched == (known | votes if region == IOWA[0] else known)


def test_a_region_that_leaves_is_voted_out_by_the_primary_region_s_job_before_anything_of_it_is_deleted() -> None:
    before, after = ledgered(*FIVE), ledgered(*MIXED)
    assert [r.name for r in after.resources if r.name.endswith("ledger-remove-job")] == [f"{IOWA[0]}-ledger-remove-job"]
    lists = [part(stack, IOWA[0], "remove-settings")["data"]["validators"].split() for stack in (before, after)]
    assert set(lists[1]) < set(lists[0])
    assert (len(lists[0]), len(lists[1])) == (5, 3)


def test_the_order_of_the_regions_means_nothing() -> None:
    one, other = ledgered(*MIXED), ledgered(*reversed(MIXED), genesis_regions=tuple(reversed(MIXED)))
    for region, _ in MIXED:
        assert of_region(one, region).keys() == of_region(other, region).keys()
        assert changed(one, other, region) == set()


def test_switching_the_ledger_on_replaces_nothing_and_restarts_no_other_data_service() -> None:
    off, on = rendered(*MIXED), ledgered(*MIXED)
    for region, _ in MIXED:
        assert of_region(off, region).keys() <= of_region(on, region).keys()
        assert not any("statefulset" in rest for rest in changed(off, on, region))

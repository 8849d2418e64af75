"""The ledger's settings, and what CometBFT's files say for them."""

import base64
import hashlib
import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.ledger import configuration, proxy
from components.ledger.identities import (
    POWER,
    Validator,
    ValidatorKeys,
    address,
    chain_id,
    genesis,
    keys_of,
    peers,
)
from components.ledger.ledger_keys import founding
from components.ledger.settings import LedgerSettings
from components.ledger.votes import added
from components.monitoring.rules import ledger as rules
from stacks.ledger import outlived, validators, weak
from stacks.settings import Settings, SettingsError, parse
from tests.support.bad_settings import complaints, with_change
from tests.support.keys import private_key, private_pem

pytestmark = pytest.mark.unit

NAMES = ("asia-east1", "europe-west1", "us-central1", "us-east1", "southamerica-east1")


def settings(regions: int, **ledger: Any) -> Settings:
    names = NAMES[:regions]
    several = {"database": {"primaryRegion": names[0]}, "messaging": {"servers": 3}} if regions > 1 else {}
    listed = [{"name": name, "cloud": "existing", "context": name, "egressAddresses": ["192.0.2.1"]} for name in names]
    genesis_regions = {"genesisRegions": [names[0]]} if regions > 1 else {}
    on = {"enabled": True, **genesis_regions, **ledger}
    return parse({"stage": "local", "regions": listed, **several, "ledger": on})


def keys(region: str, index: int = 0) -> ValidatorKeys:
    def pem(purpose: str) -> str:
        return private_pem(private_key(f"{region}-{index}-{purpose}", "ED25519"))

    return ValidatorKeys(node_pem=pem("node"), vote_pem=pem("vote"))


def validator(region: str, index: int = 0) -> Validator:
    return keys(region, index).public(region, index)


def test_a_ledger_is_off() -> None:
    assert not parse({"stage": "local", "regions": [{"name": "local", "cloud": "existing"}]}).ledger.enabled


def test_several_regions_without_genesis_regions_are_refused() -> None:
    with pytest.raises(SettingsError) as refused:
        settings(2, genesisRegions=[])
    (mistake,) = refused.value.mistakes
    assert mistake.path == "ledger.genesisRegions"
    assert mistake.remedy.endswith("asia-east1, europe-west1")


def test_blocks_are_kept_back_to_a_snapshot() -> None:
    own = {"enabled": True, "application": {"image": "example/ledger:1.2"}}
    assert complaints(with_change("ledger", {**own, "retainBlocks": 10})) == [
        "ledger.retainBlocks: 10 must be at least 2 times snapshotInterval: new validators need a snapshot and all "
        "blocks since; set snapshotInterval"
    ]
    assert complaints(with_change("ledger", {**own, "retainBlocks": 19, "snapshotInterval": 10})) == [
        "ledger.retainBlocks: 19 must be at least 2 times snapshotInterval: new validators need a snapshot and all "
        "blocks since; write 20 or more"
    ]
    assert settings(1, **own, retainBlocks=20, snapshotInterval=10).ledger.retain_blocks == 20


def test_a_former_genesis_region_has_no_region() -> None:
    ledger = {"enabled": True, "genesisRegions": ["local"], "formerGenesisRegions": ["local"]}
    assert complaints(with_change("ledger", ledger)) == [
        'ledger.formerGenesisRegions: "local" is a region of this stack; remove it here; leave it in genesisRegions'
    ]


@pytest.mark.parametrize(
    ("regions", "each", "warning"),
    [
        (1, 1, "the 1 validator(s) of all regions do not outlive one that lies or dies"),
        (3, 1, "the 3 validator(s) of all regions do not outlive one that lies or dies"),
        (3, 2, "outlive 1 that lie or die, and each region has 2: nothing is written while a region is lost"),
        (1, 4, None),
        (4, 1, None),
        (5, 1, None),
    ],
)
def test_a_ledger_says_what_it_does_not_outlive(regions: int, each: int, warning: str | None) -> None:
    said = list(weak(settings(regions, validators=each)))
    assert len(said) == (0 if warning is None else 1)
    assert warning is None or warning in said[0]


def test_without_a_ledger_there_is_nothing_to_say() -> None:
    off = settings(3, enabled=False)
    assert (validators(off), list(weak(off))) == (0, [])


@given(st.integers(1, 200))
def test_what_is_left_of_those_outlived_is_more_than_two_thirds(number: int) -> None:
    assert 3 * (number - outlived(number)) > 2 * number
    assert 3 * (number - outlived(number) - 1) <= 2 * number


def test_a_key_is_its_seed_and_its_public_half_and_an_address_the_beginning_of_its_checksum() -> None:
    files = {name: json.loads(text) for name, text in keys("iowa", 3).files("ledger-3").items()}
    assert set(files) == {"ledger-3.node_key.json", "ledger-3.priv_validator_key.json"}
    vote = files["ledger-3.priv_validator_key.json"]
    private, public = (base64.b64decode(vote[part]["value"]) for part in ("priv_key", "pub_key"))
    assert (len(private), private[32:]) == (64, public)
    assert private[:32] == hashlib.sha256(b"iowa-3-vote").digest()
    assert vote["address"] == hashlib.sha256(public).hexdigest()[:40].upper()
    assert (vote["pub_key"]["type"], vote["priv_key"]["type"]) == (
        "tendermint/PubKeyEd25519",
        "tendermint/PrivKeyEd25519",
    )
    node = base64.b64decode(files["ledger-3.node_key.json"]["priv_key"]["value"])
    known = validator("iowa", 3)
    assert known.node_id == address(node[32:]) == hashlib.sha256(node[32:]).hexdigest()[:40]
    assert known.public_key == vote["pub_key"]["value"]


def test_no_private_key_is_in_what_all_regions_know() -> None:
    secret = json.loads(keys("iowa").files("ledger-0")["ledger-0.priv_validator_key.json"])["priv_key"]["value"]
    known = validator("iowa")
    text = genesis([known]) + peers("iowa", [known], "ledger") + added({0: known.public_key})
    assert secret not in text


@given(st.permutations(NAMES))
def test_the_order_of_the_genesis_regions_means_nothing(names: list[str]) -> None:
    known = [validator(name) for name in NAMES]
    shuffled = [validator(name) for name in names]
    assert genesis(shuffled) == genesis(known)
    assert chain_id(shuffled) == chain_id(known)
    assert founding(NAMES, LedgerSettings.model_validate({"genesisRegions": names})) == sorted(names)
    assert peers("iowa", shuffled, "ledger") == peers("iowa", known, "ledger")
    assert keys_of(shuffled) == keys_of(known)


def test_a_region_more_changes_no_genesis_region() -> None:
    named = LedgerSettings.model_validate({"genesisRegions": ["iowa", "delhi"]})
    assert founding(["delhi", "iowa"], named) == founding(["delhi", "iowa", "oslo"], named) == ["delhi", "iowa"]
    assert founding(["iowa"], LedgerSettings()) == ["iowa"]


def test_another_genesis_region_would_begin_another_ledger() -> None:
    one, two = [validator("iowa")], [validator("iowa"), validator("delhi")]
    assert chain_id(one) != chain_id(two)
    # CometBFT takes names of up to 50 characters (types.MaxChainIDLen).
    assert len(chain_id(two)) <= 50


def test_the_genesis_gives_all_the_same_votes() -> None:
    document = json.loads(genesis([validator("iowa"), validator("delhi")]))
    assert [one["name"] for one in document["validators"]] == ["delhi-0", "iowa-0"]
    assert {one["power"] for one in document["validators"]} == {str(POWER)}
    # The alert on a validator that lies counts votes.
    assert rules.VOTES == POWER


def test_peers_of_the_region_are_called_by_their_pod_and_others_by_their_peer_endpoint() -> None:
    lines = peers("iowa", [validator("iowa", 1), validator("delhi", 0)], "ledger").splitlines()
    assert [line.split()[3] for line in lines] == [
        "delhi-0.peers.ledger.svc:26656",
        "ledger-1.ledger-nodes.ledger.svc:26656",
    ]


def test_a_validator_takes_only_known_peers_and_orders_from_its_pod() -> None:
    document = tomllib.loads(configuration.config(LedgerSettings()))
    assert (document["p2p"]["pex"], document["p2p"]["max_num_inbound_peers"]) == (False, 0)
    assert document["rpc"]["laddr"] == "tcp://127.0.0.1:26657"
    assert document["proxy_app"] == "persistent_kvstore"


def test_an_application_of_yours_is_reached_by_a_socket_of_the_pod() -> None:
    own = LedgerSettings.model_validate({"application": {"image": "example/ledger:1.2"}})
    assert tomllib.loads(configuration.config(own))["proxy_app"] == "unix:///ledger/run/application.sock"


def test_the_proxy_sees_a_vote_by_its_first_bytes() -> None:
    assert "acl vote query -m reg -i ^tx=0x76616c3d\n" in proxy.render("iowa", sync=False)
    assert bytes.fromhex("76616c3d") == b"val="

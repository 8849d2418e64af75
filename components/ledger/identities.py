"""Keys of validators in CometBFT's own files. Pure.

An address is the first 20 bytes of the SHA-256 of a public key; a node's id is the address of its node key.
A private key is its seed and its public key, one after the other.
https://docs.cometbft.com/v0.38/core/validators and https://docs.cometbft.com/v0.38/spec/p2p/node
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from components.peering.names import peer_name

PUBLIC_TYPE: Final = "tendermint/PubKeyEd25519"
PRIVATE_TYPE: Final = "tendermint/PrivKeyEd25519"
ADDRESS_BYTES: Final = 20
POWER: Final = 10
"""Votes of each validator: all have the same."""
GENESIS_TIME: Final = "2026-01-01T00:00:00Z"
"""Every validator has the same genesis, so its time is no setting."""

WITNESSES: Final = 2
PEER_PORT: Final = 26656
APP: Final = "ledger"
HEADLESS_SERVICE: Final = "ledger-nodes"


@dataclass(frozen=True, kw_only=True)
class Validator:
    """A validator as all regions know it. Nothing in it is secret."""

    region: str
    index: int
    """Number of its pod, and of its peer endpoint."""
    node_id: str
    """40 digits. By it peers know each other."""
    public_key: str
    """Of the key that it votes with, in base64."""


@dataclass(frozen=True, kw_only=True)
class ValidatorKeys:
    """The private keys of a validator in PEM: one proves who it is, one signs its votes."""

    node_pem: str
    vote_pem: str

    def public(self, region: str, index: int) -> Validator:
        """Return what other regions know of the validator."""
        return Validator(
            region=region,
            index=index,
            node_id=address(_public(self.node_pem)),
            public_key=_base64(_public(self.vote_pem)),
        )

    def files(self, pod: str) -> dict[str, str]:
        """Return CometBFT's two files of the validator in `pod`, which they are named after."""
        public = _public(self.vote_pem)
        vote = {
            "address": address(public).upper(),
            "pub_key": {"type": PUBLIC_TYPE, "value": _base64(public)},
            "priv_key": _private(self.vote_pem),
        }
        return {
            f"{pod}.node_key.json": json.dumps({"priv_key": _private(self.node_pem)}),
            f"{pod}.priv_validator_key.json": json.dumps(vote),
        }


def address(public: bytes) -> str:
    """Return the address of a public key as 40 digits."""
    return hashlib.sha256(public).digest()[:ADDRESS_BYTES].hex()


def pod(index: int) -> str:
    """Return the name of a validator's pod."""
    return f"{APP}-{index}"


def chain_id(genesis_regions: Iterable[Validator]) -> str:
    """Return the ledger's name, which every node checks of its peers: another genesis is another ledger."""
    keys = sorted(genesis_region.public_key for genesis_region in genesis_regions)
    return f"sacred-council-{hashlib.sha256(' '.join(keys).encode()).hexdigest()[:12]}"


def genesis(genesis_regions: Iterable[Validator]) -> str:
    """Return genesis.json with the first validators. It depends on nothing else, and not on their order.

    What CometBFT would fill in by itself is written out, because another version might fill in something else.
    """
    known = sorted(genesis_regions, key=lambda one: (one.region, one.index))
    document: dict[str, Any] = {
        "genesis_time": GENESIS_TIME,
        "chain_id": chain_id(known),
        "initial_height": "1",
        "consensus_params": {
            "block": {"max_bytes": "4194304", "max_gas": "-1"},
            "evidence": {
                "max_age_num_blocks": "100000",
                "max_age_duration": "172800000000000",
                "max_bytes": "1048576",
            },
            "validator": {"pub_key_types": ["ed25519"]},
            "version": {"app": "0"},
            "abci": {"vote_extensions_enable_height": "0"},
        },
        "validators": [
            {
                "address": address(base64.b64decode(one.public_key)).upper(),
                "pub_key": {"type": PUBLIC_TYPE, "value": one.public_key},
                "power": str(POWER),
                "name": f"{one.region}-{one.index}",
            }
            for one in known
        ],
        "app_hash": "",
    }
    return json.dumps(document, indent=2) + "\n"


def peers(region: str, validators: Iterable[Validator], namespace: str) -> str:
    """Return the file `peers` of `region`: one validator per line, as its region, number, id and address.

    Those of the same region are called by their pod's name, all others by their peer endpoint's.
    """
    known = sorted(validators, key=lambda one: (one.region, one.index))
    return "".join(
        f"{one.region} {one.index} {one.node_id} {_host(region, one, namespace)}:{PEER_PORT}\n" for one in known
    )


def witnesses(region: str, validators: Iterable[Validator], namespace: str) -> Sequence[str]:
    """Return the hosts of two validators at which a new one of `region` checks a snapshot; fewer if there are fewer.

    They are the first ones of other regions. In a single region it is its own first one.
    """
    first = sorted((one for one in validators if one.index == 0), key=lambda one: one.region)
    known = [one for one in first if one.region != region][:WITNESSES] or first
    return [_host(region, one, namespace) for one in known]


def keys_of(validators: Iterable[Validator]) -> Sequence[str]:
    """Return the public keys that validators vote with, sorted."""
    return sorted(one.public_key for one in validators)


def _host(region: str, validator: Validator, namespace: str) -> str:
    if validator.region == region:
        return f"{pod(validator.index)}.{HEADLESS_SERVICE}.{namespace}.svc"
    return peer_name(validator.region, namespace, validator.index)


def _key(pem: str) -> Ed25519PrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"key of a validator: expected a key for Ed25519, got {type(key).__name__}")
    return key


def _public(pem: str) -> bytes:
    return _key(pem).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _private(pem: str) -> dict[str, str]:
    seed = _key(pem).private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return {"type": PRIVATE_TYPE, "value": _base64(seed + _public(pem))}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()

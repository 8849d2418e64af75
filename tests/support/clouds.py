"""Answers of the clouds' providers under mocks: the tables of the sandbox's stand-ins, with known values.

Tests with mocks and runs in the sandbox thus see the same outputs, and a type that the sandbox lacks fails here.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from pulumi.runtime import rpc

from sandbox.providers.aws import functions as aws
from sandbox.providers.aws.kinds import KINDS as AWS
from sandbox.providers.azure_native.functions import DATABASE_KEYS, USER_CREDENTIALS, database_keys, user_credentials
from sandbox.providers.azure_native.kinds import KINDS as AZURE
from sandbox.providers.azure_native.make import SUBSCRIPTION
from sandbox.providers.cloud.kinds import ControlPlane, Facts
from sandbox.providers.gcp.kinds import KINDS as GCP

AZURE_SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION}"
CERTIFICATE_AUTHORITY = base64.b64encode(b"certificate authority").decode()
KINDS = {**GCP, **AWS, **AZURE}
PACKAGES = ("gcp:", "aws:", "azure-native:")


def outputs_of(resource_type: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs that a cloud adds to a resource's inputs. Empty for types of other providers."""
    if not resource_type.startswith(PACKAGES):
        return {}
    assert resource_type in KINDS, f"the sandbox does not simulate {resource_type}; add it to its cloud's table"
    kind = KINDS[resource_type]
    # Providers name a resource without a name after its logical name, with a random suffix.
    named = {kind.name_input: f"{name}-0a1b2c3", **inputs} if kind.name_input else dict(inputs)
    facts = Facts(
        type=resource_type,
        name=name,
        inputs=named,
        token=hashlib.sha256(name.encode()).hexdigest()[:32],
        revision=1,
        settings={},
        find_control_plane=lambda _wanted: ControlPlane(f"https://{name}.example", CERTIFICATE_AUTHORITY),
    )
    added = {output: _sealed(make(facts), output in kind.secret) for output, make in kind.outputs.items()}
    return {**({kind.name_input: named[kind.name_input]} if kind.name_input else {}), **added}


def _sealed(value: Any, secret: bool) -> Any:
    return {rpc._special_sig_key: rpc._special_secret_sig, "value": value} if secret else value


def id_of(resource_type: str, name: str) -> str:
    """The id of a resource. Azure's ids contain the subscription."""
    if resource_type.startswith("azure-native:"):
        return f"{AZURE_SUBSCRIPTION}/{resource_type.partition(':')[2].replace(':', '/')}/{name}"
    return f"{name}-id"


AWS_ANSWERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    aws.ADDON_VERSION: aws.addon_version,
    aws.PARAMETER: aws.parameter,
    aws.CALLER_IDENTITY: aws.caller_identity,
    aws.ZONES: aws.availability_zones,
}


def answer(token: str, args: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer to a look-up; None if the program must not make it."""
    if token in AWS_ANSWERS:
        return AWS_ANSWERS[token](args)
    if token == DATABASE_KEYS:
        return database_keys(f"{args['clusterName']}/{args['databaseName']}")
    if token != USER_CREDENTIALS:
        return None
    name = args["resourceName"]
    return user_credentials(name, f"https://{name}.azmk8s.io:443", CERTIFICATE_AUTHORITY)

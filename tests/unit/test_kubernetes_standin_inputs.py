"""Names, the normal form of inputs, and who owns which field."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from sandbox.providers.base import CheckRequest, ProviderError
from sandbox.providers.kubernetes import kinds, names, ownership, zero_values
from sandbox.providers.kubernetes.normalize import Findings, normalize
from sandbox.providers.kubernetes.objects import Kind
from sandbox.providers.kubernetes.schema import Schema
from sandbox.providers.values import UNKNOWN

DEFINITIONS: dict[str, Any] = {
    "k8s.Deployment": {
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": {"allOf": [{"$ref": "#/components/schemas/k8s.PodSpec"}], "default": {}},
        },
    },
    "k8s.PodSpec": {
        "type": "object",
        "required": ["containers"],
        "properties": {
            "replicas": {"type": "integer"},
            "hostNetwork": {"type": "boolean"},
            "automountServiceAccountToken": {"type": "boolean"},
            "containers": {"type": "array", "items": {"type": "string"}},
            "tolerations": {"type": "array", "items": {"type": "string"}},
            "nodeSelector": {"type": "object", "additionalProperties": {"type": "string"}},
            "emptyDir": {"$ref": "#/components/schemas/k8s.EmptyDir"},
            "limits": {
                "type": "object",
                "additionalProperties": {"$ref": "#/components/schemas/k8s.Quantity"},
            },
        },
    },
    "k8s.EmptyDir": {"type": "object", "properties": {"medium": {"type": "string"}}},
    "k8s.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
}


class FakeSchemas:
    """Serves the small schema above for every kind."""

    async def find(self, kind: Kind) -> Schema | None:
        return Schema(DEFINITIONS["k8s.Deployment"], "Deployment", DEFINITIONS)


def normalized(spec: dict[str, Any]) -> tuple[Any, Findings]:
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
    result, findings = asyncio.run(normalize(obj, FakeSchemas()))  # type: ignore[arg-type]
    return result.get("spec"), findings


def test_quantities_get_the_spelling_of_the_server() -> None:
    spec, _ = normalized({"limits": {"cpu": "1000m", "memory": "1024Mi"}})
    assert spec == {"limits": {"cpu": "1", "memory": "1Gi"}}


def test_values_the_server_does_not_store_are_left_out() -> None:
    spec, _ = normalized({"hostNetwork": False, "tolerations": [], "nodeSelector": {}, "containers": []})
    assert spec == {"containers": []}


def test_values_that_are_a_choice_are_kept_even_if_they_are_empty() -> None:
    spec, _ = normalized({"automountServiceAccountToken": False, "emptyDir": {}, "replicas": 0})
    assert spec == {"automountServiceAccountToken": False, "emptyDir": {}, "replicas": 0}


def test_an_empty_value_in_a_map_of_texts_becomes_an_empty_text() -> None:
    spec, findings = normalized({"nodeSelector": {"a": None, "b": "x"}})
    assert spec == {"nodeSelector": {"a": "", "b": "x"}}
    assert not findings.mistakes


def test_an_unknown_field_is_left_out_and_named_with_the_likely_right_one() -> None:
    spec, findings = normalized({"replicass": 3})
    assert spec == {}
    assert findings.unknown_fields == ["spec.replicass (did you mean 'replicas'?)"]


def test_a_value_of_the_wrong_type_is_a_mistake_with_path_and_value() -> None:
    _, findings = normalized({"replicas": "two", "limits": {"cpu": "much"}, "containers": "c"})
    assert findings.mistakes == [
        ("spec.replicas", "expected a whole number, not 'two'"),
        ("spec.limits.cpu", "'much' is not a quantity such as 500m, 2 or 1.5Gi"),
        ("spec.containers", "expected a list, not 'c'"),
    ]


def test_an_object_with_unknown_values_is_not_judged() -> None:
    spec, findings = normalized({"replicas": UNKNOWN, "hostNetwork": False})
    assert spec == {"replicas": UNKNOWN, "hostNetwork": False}
    assert not findings.mistakes


def test_the_texts_of_a_secret_become_its_data() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "uid": "1"},
        "data": {"a": "eA==\n", "b": "eA=="},
        "stringData": {"b": "y"},
    }
    result, _ = asyncio.run(normalize(secret, None))
    assert result["data"] == {"a": "eA==\n", "b": base64.b64encode(b"y").decode()}
    assert "stringData" not in result
    assert "uid" not in result["metadata"]


def test_base64_is_written_without_blanks() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "data": {"a": "eA==\n", "broken": "%"}}
    result, _ = asyncio.run(normalize(secret, None))
    assert result["data"]["a"] == "eA=="


def test_inputs_are_not_changed_by_normalizing_them() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "data": {}, "stringData": {"b": "y"}}
    asyncio.run(normalize(secret, None))
    assert secret["stringData"] == {"b": "y"}


def test_zero_is_forgotten_only_where_the_server_forgets_it() -> None:
    assert zero_values.is_forgotten("Probe", "timeoutSeconds", 0)
    assert not zero_values.is_forgotten("ClientIPConfig", "timeoutSeconds", 0)
    assert not zero_values.is_forgotten("DeploymentSpec", "replicas", 0)
    assert not zero_values.is_forgotten("PersistentVolumeClaimSpec", "storageClassName", "")
    assert zero_values.is_forgotten("EnvVar", "value", "")


def request(**values: Any) -> CheckRequest:
    urn = "urn:pulumi:s::p::kubernetes:core/v1:ConfigMap::settings"
    return CheckRequest(urn=urn, olds={}, news={}, **values)


def test_a_new_object_without_a_name_gets_the_logical_name_and_eight_digits() -> None:
    obj: dict[str, Any] = {"kind": "ConfigMap"}
    names.assign(obj, request(seed=b"seed"))
    assert obj["metadata"]["annotations"] == {names.AUTONAMED: "true"}
    stem, digits = obj["metadata"]["name"].rsplit("-", 1)
    assert stem == "settings"
    assert len(digits) == 8
    again: dict[str, Any] = {"kind": "ConfigMap"}
    names.assign(again, request(seed=b"seed"))
    assert again == obj


def test_the_engines_proposal_is_taken_and_its_ban_obeyed() -> None:
    obj: dict[str, Any] = {}
    names.assign(obj, request(proposed_name="mine", naming="enforce"))
    assert obj["metadata"]["name"] == "mine"
    with pytest.raises(ProviderError, match=r"metadata\.name is required"):
        names.assign({}, request(naming="disable"))


def test_a_given_or_not_yet_known_name_stays() -> None:
    for metadata in ({"name": "given"}, {"name": UNKNOWN}, {"generateName": "x-"}):
        obj: dict[str, Any] = {"metadata": dict(metadata)}
        names.assign(obj, request())
        assert obj["metadata"] == metadata


def test_an_automatic_name_is_kept_and_a_chosen_one_is_not_adopted() -> None:
    automatic = {"metadata": {"name": "a-1", "annotations": {names.AUTONAMED: "true"}}}
    obj: dict[str, Any] = {}
    names.adopt(obj, automatic)
    assert obj == automatic
    obj = {}
    names.adopt(obj, {"metadata": {"name": "chosen"}})
    assert obj == {}


@pytest.mark.parametrize("token", ["kubernetes:apps/v1", "random:index/x:Y", "kubernetes:apps:Deployment"])
def test_a_type_that_is_no_kubernetes_object_is_refused(token: str) -> None:
    with pytest.raises(ProviderError, match="not a Kubernetes object"):
        kinds.from_type_token(token)


def test_kinds_are_read_from_type_tokens() -> None:
    assert kinds.from_type_token("kubernetes:core/v1:Secret") == Kind("", "v1", "Secret")
    assert kinds.is_list("kubernetes:core/v1:PodList")
    assert not kinds.is_list("kubernetes:example.com/v1:WishList")
    assert kinds.is_patch("kubernetes:core/v1:ServicePatch", {"apiVersion": "v1", "kind": "Service"})


def entry(manager: str, operation: str, fields: dict[str, Any], subresource: str = "") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, "subresource": subresource}


def live(*entries: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": "7", "managedFields": list(entries)}, "spec": spec}


def test_the_creators_fields_are_handed_to_the_resources_own_manager() -> None:
    controller = entry("controller", "Update", {"f:status": {}}, "status")
    obj = live(entry("pulumi-kubernetes", "Update", {"f:spec": {"f:a": {}}}), controller)
    patch = ownership.adoption_patch(obj, "mine")
    assert patch[0]["value"] == [controller, entry("mine", "Apply", {"f:spec": {"f:a": {}}})]


def test_fields_of_several_hands_are_united() -> None:
    obj = live(
        entry("mine", "Apply", {"f:spec": {"f:a": {}}}),
        entry("kubectl-edit", "Update", {"f:spec": {"f:a": {"f:b": {}}, "f:c": {}}}),
    )
    united = ownership.adoption_patch(obj, "mine")[0]["value"]
    assert united == [entry("mine", "Apply", {"f:spec": {"f:a": {".": {}, "f:b": {}}, "f:c": {}}})]


def test_nothing_is_handed_over_twice_or_from_strangers() -> None:
    assert ownership.adoption_patch(live(entry("mine", "Apply", {"f:spec": {}})), "mine") == []
    scaled = entry("kubectl", "Update", {"f:spec": {"f:replicas": {}}}, "scale")
    assert ownership.adoption_patch(live(scaled), "mine") == []


def test_an_ignored_field_that_only_others_manage_is_not_sent() -> None:
    obj = live(entry("hpa", "Update", {"f:spec": {"f:replicas": {}}}), replicas=5)
    inputs: dict[str, Any] = {"spec": {"replicas": 2, "paused": True}}
    ownership.leave_ignored(inputs, obj, ["spec.replicas"], "mine")
    assert inputs == {"spec": {"paused": True}}


def test_an_ignored_field_of_our_own_keeps_its_live_value() -> None:
    obj = live(entry("mine", "Apply", {"f:spec": {"f:replicas": {}}}), replicas=5)
    inputs: dict[str, Any] = {"spec": {"replicas": 2}}
    ownership.leave_ignored(inputs, obj, ["spec.replicas"], "mine")
    assert inputs == {"spec": {"replicas": 5}}

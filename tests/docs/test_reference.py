"""Files generated from the settings: they are up to date, and the schema for editors agrees with the program."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

from components.cluster import settings as cluster
from components.settings import Model, cloud_values, values
from reference.files import files
from reference.project import with_config
from reference.schema import DIALECT, description, stack_schema
from stacks.settings import SECRETS, SettingsError, parse
from stacks.settings.errors import PROJECT
from tests.conftest import STACKS
from tests.support.bad_settings import PLACE
from tests.support.rendering import ROOT, stack_config

pytestmark = pytest.mark.unit

SCHEMA = stack_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
NODES = {"type": "e2-standard-4", "min": 3, "max": 9}
IOWA = {"name": "us-central1", "cloud": "gcp", "nodes": NODES, "project": "my-project"}
ARN = "arn:aws:iam::123456789012:role/deployers"


def _models(model: type[BaseModel] = Model) -> Iterator[type[BaseModel]]:
    """Every settings model of the program."""
    for found in model.__subclasses__():
        if found.__module__.startswith(("components.", "stacks.")) and not found.__name__.startswith("_"):
            yield found
        yield from _models(found)


def _document(config: Mapping[str, object]) -> dict[str, Any]:
    return {"config": {f"{PROJECT}:{key}": value for key, value in config.items()}}


def _broken(document: object) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(document)]


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_what_is_generated_is_up_to_date(path: Path) -> None:
    assert path.read_text() == files()[path], "run: make docs"


@pytest.mark.parametrize("model", sorted(set(_models()), key=str), ids=lambda model: model.__name__)
def test_every_field_has_a_description(model: type[BaseModel]) -> None:
    assert [name for name in model.model_fields if not description(model, name).endswith((".", ")"))] == []


def test_a_field_that_only_narrows_a_type_has_the_description_of_the_field_that_it_narrows() -> None:
    assert description(cluster.GcpRegion, "nodes") == description(cluster.ManagedCluster, "nodes")
    assert description(cluster.AwsRegion, "cloud") == description(cluster.Region, "cloud")


def test_the_page_has_every_key_of_every_model() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    keys = {field.alias for model in _models() for field in model.model_fields.values()}
    cells = set(re.findall(r"^(?:\| \[?`|### )([^`\s]+)", page, re.MULTILINE))
    shown = {re.sub(r"\[\]", "", cell).rpartition(".")[2] for cell in cells}
    assert keys - shown == set()
    assert set(SECRETS) <= shown


def test_other_parts_of_the_project_file_are_left_alone() -> None:
    text = "name: x\nconfig:\n  # old\n  x:y:\n    type: string\n\n  x:z: {}\nplugins:\n  providers: []\n"
    changed = yaml.safe_load(with_config(text, SCHEMA))
    assert (changed["name"], changed["plugins"]) == ("x", {"providers": []})
    assert changed["config"] == yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    with pytest.raises(ValueError, match="expected one block"):
        with_config("name: x\n", SCHEMA)


def test_the_schema_is_one_of_the_dialect_that_it_names() -> None:
    assert SCHEMA["$schema"] == DIALECT == jsonschema.Draft7Validator.META_SCHEMA["$id"]
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("stack", STACKS)
def test_editors_accept_a_stack_file_and_find_the_schema_by_its_first_line(stack: str) -> None:
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text()
    assert _broken(yaml.safe_load(text)) == []
    found = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert found is not None
    assert (ROOT / found[1]) in files()


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("place", ["", "regions[0]", "database.backup", "services.agent-network", "clouds.gcp", "mesh"])
def test_an_unknown_key_is_refused_wherever_it_is(stack: str, place: str) -> None:
    config = yaml.safe_load(yaml.safe_dump(stack_config(stack)))
    section: Any = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items() if PROJECT in key}
    document = {"config": section}
    for step in re.findall(r"[\w-]+", place):
        section = section[int(step)] if isinstance(section, list) else section.setdefault(step, {})
    section["unheard"] = 1
    assert any("unheard" in message for message in _broken(_document(document["config"])))


GOOD: list[dict[str, Any]] = [
    {"cache": {"cpu": 0.5, "engine": "redis"}},
    {"database": {"cpu": 2, "memory": "1.5G", "backup": {"regions": [], "schedule": "*/30 * * * *"}}},
    {"mesh": yaml.safe_load("{postQuantum: off}")},
    {"mesh": {"postQuantum": "off", "replicas": 5}},
    {"messaging": {"streams": [{"name": "a", "subjects": ["a.>"], "mirroredIn": "all"}]}},
    {"messaging": {"streams": [{"name": "a", "subjects": ["a.*.b"], "mirroredIn": [], "replicas": 1}]}},
    {"monitoring": {"machinePrices": {"e2-standard-4": 97.84}, "memory": {"grafana": "1Gi"}, "traceSampling": 1}},
    {"services": {"agent-network": {"image": "ghcr.io/example/agent:1.0.0"}}},
    {"edge": {"domain": "sacred-council.love", "cachedPaths": ["/a/"], "project": None}},
    {"regions": [IOWA], "clouds": {"gcp": {"apiAccess": ["203.0.113.0/24"], "kubernetesVersion": "1.35"}}},
    {
        "regions": [{"name": "us-central1", "cloud": "gcp"}],
        "clouds": {"gcp": {"project": "my-project", "nodes": NODES}},
    },
    {"regions": [{"name": "home", "cloud": "existing", "geography": {**PLACE, "country": "BE"}, "slot": 200}]},
    {
        "regions": [
            {
                "name": "eu-west-1",
                "cloud": "aws",
                "nodes": {"type": "m7i.xlarge", "min": 3, "max": 9},
                "administrators": [ARN],
                "zones": ["a", "b"],
                "rdsAuthorities": "\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            }
        ]
    },
    {
        "regions": [
            {
                "name": "westeurope",
                "cloud": "azure",
                "nodes": {"type": "Standard_D4s_v5", "min": 3, "max": 9},
                "adminGroups": ["11111111-2222-3333-4444-555555555555"],
                "zones": [1, "2", 3],
            }
        ]
    },
]
BAD: list[dict[str, Any]] = [
    {"stage": "planet"},
    {"regions": []},
    {"regions": [{"name": "Local", "cloud": "existing"}]},
    {"regions": [{"cloud": "existing"}]},
    {"regions": [{"name": "local", "cloud": "moon"}]},
    {"regions": [{"name": "local"}]},
    {"regions": [{"name": "local", "cloud": "existing", "nodes": NODES}]},
    {"regions": [{**IOWA, "nodes": {**NODES, "min": 0}}]},
    {"regions": [{**IOWA, "apiAccess": ["everywhere"]}]},
    {"regions": [{**IOWA, "slot": 256}]},
    {"database": {"nodes": 2}},
    {"database": {"storage": 10}},
    {"cache": {"cpu": 0}},
    {"messaging": {"servers": 4}},
    {"messaging": {"streams": [{"name": "a", "subjects": []}]}},
    {"messaging": {"streams": [{"name": "a", "subjects": ["a", "a"]}]}},
    {"mesh": {"replicas": 6}},
    {"edge": {"signingKey": "red"}},
    {"edge": {"rateLimit": "600"}},
    {"monitoring": {"traceSampling": 1.5}},
    {"services": {"agent_network": {}}},
]
LOCAL = {"stage": "local", "regions": [{"name": "local", "cloud": "existing"}]}


@pytest.mark.parametrize("changes", GOOD, ids=str)
def test_what_the_schema_accepts_the_program_accepts(changes: dict[str, Any]) -> None:
    config = {**LOCAL, **changes}
    assert _broken(_document(config)) == []
    assert parse(config)


@pytest.mark.parametrize("changes", BAD, ids=str)
def test_what_the_schema_refuses_the_program_refuses(changes: dict[str, Any]) -> None:
    config = {**LOCAL, **changes}
    assert _broken(_document(config)) != []
    with pytest.raises(SettingsError):
        parse(config)


@pytest.mark.parametrize("key", ["stage", "regions"])
def test_editors_see_a_required_key_that_is_missing(key: str) -> None:
    assert _broken(_document({name: value for name, value in LOCAL.items() if name != key})) != []


@pytest.mark.parametrize("key", SECRETS)
def test_a_secret_is_accepted_encrypted_and_nothing_else(key: str) -> None:
    assert _broken(_document({**LOCAL, key: {"secure": "AAABAA=="}})) == []
    assert _broken(_document({**LOCAL, key: "in plain"})) != []


def test_keys_of_pulumi_and_of_providers_are_accepted() -> None:
    document = _document(LOCAL)
    document["config"] |= {"gcp:project": "my-project", "aws:region": "eu-west-1", "pulumi:tags": {"a": "b"}}
    assert _broken(document | {"encryptionsalt": "v1:x", "secretsprovider": "gcpkms://x", "environment": ["x"]}) == []
    document["config"]["regions"] = LOCAL["regions"]
    assert _broken(document) != [], "a key without the prefix belongs to nobody"


TEXTS = {
    name: kind
    for module in (values, cloud_values)
    for name, kind in vars(module).items()
    if hasattr(kind, "__metadata__") and kind.__origin__ is str
}


@pytest.mark.parametrize("kind", TEXTS.values(), ids=TEXTS)
def test_editors_know_the_pattern_and_the_message_of_every_kind_of_text(kind: Any) -> None:
    schema = TypeAdapter(kind).json_schema()
    assert re.fullmatch(r"must be .+; .+", schema["errorMessage"])
    assert re.fullmatch(r"\^\(\?:.+\)\$", schema["pattern"])
    assert not re.search(r"\(\?[^:=!]|\\[AZ]", schema["pattern"]), "only Python knows this"

"""The settings that a good configuration gives, and their declaration in Pulumi.yaml."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from components.cluster.settings import AwsRegion, AzureRegion, ExistingRegion, GcpRegion
from components.services import NAMES
from components.settings.values import bytes_of
from components.versions import SAMPLE_SERVICE_IMAGE
from stacks.settings import SECRETS, Settings, SettingsError, parse
from stacks.settings.errors import PROJECT

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
LOCAL: Mapping[str, Any] = {"stage": "local", "regions": [{"name": "local", "cloud": "existing"}]}
AWS = {"administrators": ["arn:aws:iam::123456789012:role/deployers"]}
STACK_FILES = sorted(ROOT.glob("Pulumi.*.yaml"))


def project_keys() -> dict[str, dict[str, Any]]:
    """Return the declarations of the configuration keys in Pulumi.yaml."""
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    return {key.removeprefix(f"{PROJECT}:"): value for key, value in declared.items()}


def test_the_smallest_configuration_has_one_of_everything() -> None:
    settings = parse(LOCAL)
    assert settings.regions == (ExistingRegion.model_validate({"name": "local", "cloud": "existing"}),)
    assert (settings.database.nodes, settings.cache.replicas, settings.messaging.servers) == (1, 1, 1)
    assert {service.min_replicas for service in settings.services.by_name().values()} == {1}
    assert settings.edge.domain.endswith(".localhost")


def test_services_have_the_sample_image_until_they_have_their_own() -> None:
    own = {"agent-network": {"image": "ghcr.io/example/agent:1.0.0"}}
    images = {name: service.image for name, service in parse({**LOCAL, "services": own}).services.by_name().items()}
    assert images == {**dict.fromkeys(NAMES, SAMPLE_SERVICE_IMAGE), "agent-network": "ghcr.io/example/agent:1.0.0"}


def test_an_unquoted_off_is_understood_although_yaml_reads_it_as_false() -> None:
    mesh = yaml.safe_load("{postQuantum: off}")
    assert mesh == {"postQuantum": False}
    assert parse({**LOCAL, "mesh": mesh}).mesh.post_quantum == "off"


def test_processor_time_may_be_a_number() -> None:
    assert parse({**LOCAL, "database": {"cpu": 2}}).database.cpu == "2"
    assert parse({**LOCAL, "database": {"cpu": 0.5}}).database.cpu == "0.5"


@pytest.mark.parametrize(
    "image",
    [
        "redis:8.10.1",
        "localhost:5000/agent:1",
        "ghcr.io/example/agent:v1.2.3-rc.1",
        f"ghcr.io/example/agent@sha256:{'0' * 64}",
        f"ghcr.io/example/agent:latest@sha256:{'0' * 64}",
    ],
)
def test_an_image_with_a_tag_or_a_digest_is_accepted(image: str) -> None:
    services = {"agent-network": {"image": image}}
    assert parse({**LOCAL, "services": services}).services.agent_network.image == image


def test_settings_cannot_be_changed() -> None:
    settings = parse(LOCAL)
    with pytest.raises(ValidationError, match="frozen"):
        settings.database.nodes = 3


def test_a_region_is_found_by_its_name() -> None:
    settings = parse(LOCAL)
    assert settings.region("local") is settings.regions[0]
    with pytest.raises(KeyError):
        settings.region("elsewhere")


def test_a_region_has_what_its_cloud_s_regions_have_in_common_unless_it_says_otherwise() -> None:
    clouds = {
        "gcp": {"project": "my-project", "apiAccess": ["203.0.113.0/24"], "deletionProtection": True},
        "aws": {"apiAccess": ["198.51.100.0/24"]},
    }
    nodes = {"type": "e2-standard-4", "min": 3, "max": 9}
    iowa = {"name": "us-central1", "cloud": "gcp", "nodes": nodes}
    belgium = {"name": "europe-west1", "cloud": "gcp", "nodes": nodes, "project": "their-project", "apiAccess": []}
    settings = parse(
        {
            "stage": "continental",
            "regions": [iowa, belgium],
            "clouds": clouds,
            "database": {"primaryRegion": "us-central1"},
            "messaging": {"servers": 3},
        }
    )
    common, own = settings.region("us-central1"), settings.region("europe-west1")
    assert isinstance(common, GcpRegion)
    assert isinstance(own, GcpRegion)
    assert (common.project, common.api_access, common.deletion_protection) == ("my-project", ("203.0.113.0/24",), True)
    assert (own.project, own.api_access, own.deletion_protection) == ("their-project", (), True)


def test_zones_may_be_numbers_and_their_order_means_nothing() -> None:
    nodes = {"type": "Standard_D4s_v5", "min": 3, "max": 9}
    group = "11111111-2222-3333-4444-555555555555"
    region = {"name": "westeurope", "cloud": "azure", "nodes": nodes, "adminGroups": [group], "zones": [1, 3]}
    (azure,) = parse({"stage": "regional", "regions": [region]}).regions
    assert isinstance(azure, AzureRegion)
    assert azure.zones == ("1", "3")
    nodes = {"type": "m7i.xlarge", "min": 3, "max": 9}
    region = {"name": "us-east-1", "cloud": "aws", "nodes": nodes, "zones": ["f", "c", "d"], **AWS}
    (aws,) = parse({"stage": "regional", "regions": [region]}).regions
    assert isinstance(aws, AwsRegion)
    assert aws.zones == ("c", "d", "f")


def test_managed_regions_face_outwards_with_load_balancers() -> None:
    region = {"name": "us-east-1", "cloud": "aws", "nodes": {"type": "m7i.xlarge", "min": 3, "max": 9}, **AWS}
    assert parse({"stage": "regional", "regions": [region]}).region("us-east-1").service_type == "LoadBalancer"


def test_the_only_region_is_the_primary_region() -> None:
    assert parse(LOCAL).primary_region == "local"
    region = {"name": "local", "cloud": "existing", "egressAddresses": ["192.0.2.1"]}
    ready = {**LOCAL, "regions": [region], "database": {"primaryRegion": "local"}, "messaging": {"servers": 3}}
    assert parse(ready).primary_region == "local"


@pytest.mark.parametrize(
    ("quantity", "size"),
    [("1Ki", 1024), ("10Gi", 10737418240), ("1.5G", 1500000000), ("0.5Mi", 524288), ("64k", 64000), ("2T", 2 * 10**12)],
)
def test_quantities_have_their_size_in_bytes(quantity: str, size: int) -> None:
    assert bytes_of(quantity) == size


@pytest.mark.parametrize("file", STACK_FILES, ids=lambda file: file.name)
def test_every_stack_file_is_a_good_configuration(file: Path) -> None:
    values = yaml.safe_load(file.read_text())["config"]
    ours = {key.removeprefix(f"{PROJECT}:"): value for key, value in values.items() if key.startswith(f"{PROJECT}:")}
    assert parse(ours).regions
    assert values["pulumi:disable-default-providers"] == ["*"]


def test_messages_name_the_project_as_it_is() -> None:
    assert yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["name"] == PROJECT


def test_the_project_declares_every_key_and_no_other() -> None:
    fields = {field.alias for field in Settings.model_fields.values()}
    assert set(project_keys()) == fields | set(SECRETS)


def test_the_project_types_and_describes_every_key() -> None:
    for key, declared in project_keys().items():
        field = {field.alias: field for field in Settings.model_fields.values()}.get(key)
        is_section = (
            field is not None and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        )
        expected = "object" if is_section else {"regions": "array", "edgeSites": "array"}.get(key, "string")
        assert declared["type"] == expected, key
        assert declared["description"], key
        assert ("default" in declared) == (field is None or not field.is_required()), key


@pytest.mark.parametrize("key", [key for key, declared in project_keys().items() if declared["type"] == "object"])
def test_the_project_s_description_of_a_section_names_all_its_settings(key: str) -> None:
    section = {field.alias: field.annotation for field in Settings.model_fields.values()}[key]
    assert section is not None
    description = project_keys()[key]["description"]
    fields: Mapping[str, Any] = section.model_fields
    assert [field.alias for field in fields.values() if field.alias not in description] == []


def test_the_regional_stack_grows_by_the_line_of_a_region_and_its_primary_region() -> None:
    text = (ROOT / "Pulumi.regional.yaml").read_text()
    assert "`primaryRegion: us-central1`" in text
    values = {key.removeprefix(f"{PROJECT}:"): value for key, value in yaml.safe_load(text)["config"].items()}
    ours = {key: value for key, value in values.items() if ":" not in key}
    second = {**ours["regions"][0], "name": "europe-west1"}
    two = {**ours, "regions": [*ours["regions"], second]}
    with pytest.raises(SettingsError) as caught:
        parse(two)
    assert [mistake.path for mistake in caught.value.mistakes] == ["database.primaryRegion"]
    assert len(parse({**two, "database": {**ours["database"], "primaryRegion": "us-central1"}}).regions) == 2

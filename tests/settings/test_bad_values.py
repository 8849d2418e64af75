"""Single bad values, with the exact messages."""

import pytest

from components.services.settings import ServicesSettings
from tests.support.bad_settings import BOOLEAN_RULE, IMAGE_RULE, MAP_RULE, NAME_RULE, PLACE, complaints, with_change

pytestmark = pytest.mark.unit

BYTES_RULE = (
    "must be a Kubernetes quantity with a unit (Ki, Mi, Gi, Ti, k, M, G, T) above zero; write e.g. 512Mi or 10Gi"
)
CPU_RULE = "must be a Kubernetes quantity of processor time above zero; write e.g. 250m or 2"
FOLDER_RULE = (
    "must be the HTTPS address of a folder, without a query; "
    "write e.g. https://git.example.org/council/platform/blob/main/docs/runbooks"
)
DURATION_RULE = "must be a duration in hours, days, weeks or years; write e.g. 12h, 7d or 4w"
CLOUD_RULE = "must be existing, gcp, aws or azure"
PLATFORM_RULE = "must be gke, k3d, k3s, microk8s, minikube or openshift"
STAGE_RULE = "must be local, regional, continental or planetary"
TIME_ZONE_RULE = "is not in the IANA time zone database"
NODES_RULE = "must be 1, or 3 or more: two nodes cannot outvote each other; write 1 or 3"
BROKERS_RULE = "must be 1, or 3 or more: two brokers cannot lose one and keep accepting records; write 1, 3 or more"
NUMBER_RULE = "must be a number; write it without quotes, e.g. 0.5"
WHOLE_NUMBER_RULE = "must be a whole number; write it without quotes, e.g. 3"
REVISION_RULE = (
    "must be a commit of the model's repository: 40 digits and letters a to f, because a branch or a tag can move; "
    "write e.g. 614241f622f53c4eeff9890bdc4f31cfecc418b3"
)

SINGLE = [
    (
        "stage",
        "continetal",
        f'"continetal" {STAGE_RULE}; did you mean continental?',
    ),
    (
        "stage",
        4,
        f"4 {STAGE_RULE}; write local, regional, continental or planetary",
    ),
    ("regions", [], "[] must have at least one entry; write e.g. [{name: local, cloud: existing}]"),
    ("regions", {"name": "x"}, '{"name": "x"} must be a list; write each entry on its own line, after a hyphen'),
    ("regions[0]", "local", f'"local" {MAP_RULE}'),
    ("regions[0].name", "Local", f'"Local" {NAME_RULE}'),
    ("regions[0].name", "1st", f'"1st" {NAME_RULE}'),
    ("regions[0].name", "a" * 33, f'"{"a" * 33}" {NAME_RULE}'),
    ("regions[0].name", "ends-", f'"ends-" {NAME_RULE}'),
    ("regions[0].name", 7, "7 must be text; put it in quotes"),
    ("regions[0].cloud", "existin", f'"existin" {CLOUD_RULE}; did you mean existing?'),
    ("regions[0].cloud", "gpc", f'"gpc" {CLOUD_RULE}; did you mean gcp?'),
    (
        "regions[0].cloud",
        "moon",
        f'"moon" {CLOUD_RULE}; write existing, gcp, aws or azure',
    ),
    ("regions[0].cloud", ["gcp"], f'["gcp"] {CLOUD_RULE}; did you mean gcp?'),
    (
        "regions[0].nodes",
        {},
        "is not a setting; known here: name, cloud, geography, slot, traffic, context, platform, "
        "serviceType, gatewayAddress, egressAddresses, dnsAddresses, gpus",
    ),
    (
        "regions[0].platform",
        "k3",
        f'"k3" {PLATFORM_RULE}; did you mean k3s?',
    ),
    (
        "regions[0].platform",
        "kind",
        f'"kind" {PLATFORM_RULE}; write gke, k3d, k3s, microk8s, minikube or openshift',
    ),
    ("regions[0].service_type", "NodePort", "is not a setting; did you mean serviceType?"),
    (
        "regions[0].serviceType",
        "loadbalancer",
        '"loadbalancer" must be LoadBalancer, NodePort or ClusterIP; did you mean LoadBalancer?',
    ),
    (
        "regions[0].context",
        "",
        '"" must be the name of a kubeconfig context; `kubectl config get-contexts` lists them',
    ),
    ("regions[0].slot", 256, "256 must be at most 255; write 255 or less"),
    ("regions[0].slot", -1, "-1 must be at least 0; write 0 or more"),
    ("regions[0].slot", 1.5, f"1.5 {WHOLE_NUMBER_RULE}"),
    ("regions[0].slot", True, f"true {WHOLE_NUMBER_RULE}"),
    ("regions[0].geography", PLACE | {"latitude": 91}, ".latitude: 91 must be at most 90; write 90 or less"),
    ("regions[0].geography", PLACE | {"longitude": -181}, ".longitude: -181 must be at least -180; write -180 or more"),
    (
        "regions[0].geography",
        PLACE | {"latitude": "north"},
        f'.latitude: "north" {NUMBER_RULE}',
    ),
    (
        "regions[0].geography",
        PLACE | {"timeZone": "CEST+1"},
        '.timeZone: "CEST+1" must be the name of an IANA time zone; write e.g. Europe/Brussels or Etc/UTC',
    ),
    (
        "regions[0].geography",
        PLACE | {"timeZone": "Europe/Brusels"},
        f'.timeZone: "Europe/Brusels" {TIME_ZONE_RULE}; did you mean Europe/Brussels?',
    ),
    (
        "regions[0].geography",
        PLACE | {"timeZone": "America/Argentina"},
        f'.timeZone: "America/Argentina" {TIME_ZONE_RULE}; did you mean America/Argentina/Salta?',
    ),
    (
        "regions[0].geography",
        PLACE | {"country": "Belgium"},
        '.country: "Belgium" must be an ISO 3166 country code of two capital letters; write e.g. BE',
    ),
    (
        "regions[0].geography",
        PLACE | {"languages": []},
        ".languages: [] must have at least one entry; write e.g. [nl, fr]",
    ),
    (
        "regions[0].geography",
        PLACE | {"languages": ["nl", "Dutch"]},
        '.languages[1]: "Dutch" must be a BCP 47 language tag; write e.g. nl, pt-BR or zh-Hant-TW',
    ),
    (
        "regions[0].geography",
        PLACE | {"languages": ["nl", "nl"]},
        '.languages: ["nl", "nl"] must not name a language twice; remove the repetition',
    ),
    ("database", [], f"[] {MAP_RULE}"),
    ("database.engine", "cockroach", '"cockroach" must be cockroachdb or postgresql; did you mean cockroachdb?'),
    ("database.engine", "postgres", '"postgres" must be cockroachdb or postgresql; did you mean postgresql?'),
    ("database.nodes", 2, f"2 {NODES_RULE}"),
    ("database.nodes", 0, f"0 {NODES_RULE}"),
    ("database.nodes", "3", f'"3" {WHOLE_NUMBER_RULE}'),
    ("database.survive", "region", '"region" needs at least 3 regions, not 1; add regions, or write zone'),
    ("database.survive", "zones", '"zones" must be zone or region; did you mean zone?'),
    ("database.storage", "10Gb", f'"10Gb" {BYTES_RULE}'),
    ("database.storage", 10, f"10 {BYTES_RULE}"),
    ("database.storage", "0Gi", f'"0Gi" {BYTES_RULE}'),
    ("database.cpu", "half", f'"half" {CPU_RULE}'),
    ("database.cpu", 0, f"0 {CPU_RULE}"),
    ("database.storge", "10Gi", "is not a setting; did you mean storage?"),
    ("cache.engine", "valkey", '"valkey" must be redis or managed; write redis or managed'),
    ("cache.replicas", 2, "2 must be 1, or 3 or more: failover needs a quorum; write 1 (no failover) or 3"),
    (
        "cache.maxMemory",
        "256Mi",
        '"256Mi" must be below memory, which is 256Mi: Redis needs some for itself; '
        "write about half of memory, or raise memory",
    ),
    ("streaming.brokers", 2, f"2 {BROKERS_RULE}"),
    ("streaming.controllers", 2, "2 must be 1, 3 or 5: controllers need an odd quorum; write 1, 3 or 5"),
    (
        "matching.model",
        "multilingual-e5-small",
        '"multilingual-e5-small" must be the name of a model: its owner, a slash, and its own name; '
        "write e.g. intfloat/multilingual-e5-small",
    ),
    ("matching.revision", "main", f'"main" {REVISION_RULE}'),
    ("matching.revision", "6" * 39, f'"{"6" * 39}" {REVISION_RULE}'),
    ("matching.dimension", 2001, "2001 must be at most 2000; write 2000 or less"),
    (
        "matching.source",
        "http://models.example.org",
        '"http://models.example.org" must be an HTTPS address without a query; write e.g. https://models.example.org',
    ),
    (
        "matching.sourceNetworks",
        ["203.0.113.7/24"],
        '[0]: "203.0.113.7/24" must be an IPv4 range in CIDR notation, with no bits set after the prefix; '
        "write e.g. 203.0.113.0/24, or 203.0.113.7/32 for one address",
    ),
    (
        "matching.minReplicas",
        4,
        "4 must not be above maxReplicas, which is 3; write 3 or less, or raise maxReplicas",
    ),
    (
        "services.sacred-matching",
        {},
        "has no effect without matching; write matching.enabled: true, or remove services.sacred-matching",
    ),
    ("ledger.validators", 0, "0 must be at least 1; write 1 or more"),
    ("ledger.validators", 8, "8 must be at most 7; write 7 or less"),
    ("ledger.genesisRegions", ["Iowa"], f'[0]: "Iowa" {NAME_RULE}'),
    (
        "ledger.genesisRegions",
        ["local", "local"],
        '["local", "local"] must not name a region twice; remove the repetition',
    ),
    ("ledger.application", {"image": "example/ledger"}, f'.image: "example/ledger" {IMAGE_RULE}'),
    (
        "ledger.genesisRegions",
        ["locla"],
        '"locla" is not the name of a region of this stack; did you mean local? If it has left, keep it here and name '
        "it in formerGenesisRegions, too",
    ),
    (
        "ledger.formerGenesisRegions",
        ["gone"],
        '"gone" is not among the genesis regions; name it in genesisRegions, too, if the ledger began with it; '
        "otherwise remove it here",
    ),
    (
        "ledger.snapshotInterval",
        1000,
        "1000 needs an application that makes snapshots, which CometBFT's own does not; name its image in "
        "ledger.application.image, or remove this",
    ),
    ("circles.servers", 0, "0 must be at least 1; write 1 or more"),
    ("circles.servers", 11, "11 must be at most 10; write 10 or less"),
    ("circles.maxParticipants", 0, "0 must be at least 1; write 1 or more"),
    ("messaging.servers", 2, "2 must be 1, 3 or 5: JetStream needs an odd quorum; write 1, 3 or 5"),
    ("mesh.enabled", "yes", f'"yes" {BOOLEAN_RULE}'),
    ("mesh.replicas", 0, "0 must be at least 1; write 1 or more"),
    ("mesh.replicas", 6, "6 must be at most 5; write 5 or less"),
    ("mesh.postQuantum", "preferred", '"preferred" must be off, prefer or strict; did you mean prefer?'),
    ("mesh.postQuantum", True, "true must be off, prefer or strict; write off, prefer or strict"),
    ("monitoring.retention", "1 week", f'"1 week" {DURATION_RULE}'),
    ("monitoring.retention", 7, f"7 {DURATION_RULE}"),
    ("monitoring.traceSampling", 10, "10 must be at most 1; write 1 or less"),
    ("monitoring.traceSampling", -0.1, "-0.1 must be at least 0; write 0 or more"),
    ("monitoring.memory.prometheus", "lots", f'"lots" {BYTES_RULE}'),
    (
        "monitoring.memory.grafana",
        "256Mi",
        '"256Mi" must be at least 512Mi: with less Grafana is killed; write 768Mi or more',
    ),
    ("monitoring.memory.thanos", "1Gi", "is not a setting; did you mean thanosQuery?"),
    ("monitoring.machinePrices", {"e2-small": -1.5}, ".e2-small: -1.5 must be at least 0; write 0 or more"),
    (
        "monitoring.machinePrices",
        {"e2-small": "12"},
        f'.e2-small: "12" {NUMBER_RULE}',
    ),
    ("monitoring.runbooks", "docs/runbooks", f'"docs/runbooks" {FOLDER_RULE}'),
    ("monitoring.runbooks", "http://example.org/runbooks", f'"http://example.org/runbooks" {FOLDER_RULE}'),
    ("monitoring.runbooks", "https://example.org/?page=", f'"https://example.org/?page=" {FOLDER_RULE}'),
    ("services.agent-netwrk", {}, "is not a setting; did you mean agent-network?"),
    (
        "services.billing",
        {},
        f"is not a setting; known here: {', '.join([*ServicesSettings().by_name(), 'sacred-matching'])}",
    ),
    ("services.agent-network", {"image": "example/agent"}, f'.image: "example/agent" {IMAGE_RULE}'),
    ("services.agent-network", {"image": "example/agent:latest"}, f'.image: "example/agent:latest" {IMAGE_RULE}'),
    ("services.agent-network", {"image": "localhost:5000/agent"}, f'.image: "localhost:5000/agent" {IMAGE_RULE}'),
    (
        "services.agent-network",
        {"image": "Example/agent:1"},
        '.image: "Example/agent:1" must be a container image; write e.g. ghcr.io/example/service:1.4.2',
    ),
    (
        "services.agent-network",
        {"minReplicas": 4},
        ".minReplicas: 4 must not be above maxReplicas, which is 3; write 3 or less, or raise maxReplicas",
    ),
    (
        "services.agent-network",
        {"followTheSun": True},
        ".followTheSun: true has no effect with minReplicas 1: two replicas remain at night; "
        "write minReplicas: 3 or more, or remove followTheSun",
    ),
    ("services.agent-network", {"maxReplicas": 0}, ".maxReplicas: 0 must be at least 1; write 1 or more"),
    (
        "edge.domain",
        "https://sacred-council.love/",
        '"https://sacred-council.love/" must be a domain name in lower case, without a scheme or a path; '
        "write e.g. sacred-council.love",
    ),
    ("databse", {"password": "hunter2"}, "is not a setting; did you mean database?"),
    ("cockroachLicence", "hunter2", "is not a setting; did you mean cockroachdbLicense?"),
]


@pytest.mark.parametrize(("path", "value", "complaint"), SINGLE)
def test_one_bad_value_is_reported_with_path_value_rule_and_remedy(path: str, value: object, complaint: str) -> None:
    expected = f"{path}{complaint}" if complaint.startswith((".", "[0]")) else f"{path}: {complaint}"
    assert complaints(with_change(path, value)) == [expected]

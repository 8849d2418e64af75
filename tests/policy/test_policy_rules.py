"""Each rule of the policy pack, with resources that keep the rule and resources that break it."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from components.messaging import nkeys
from policy.rules.carbon import carbon
from policy.rules.circles import circles
from policy.rules.encryption import encryption
from policy.rules.exposure import exposure
from policy.rules.images import images, is_pinned
from policy.rules.labels import labels
from policy.rules.ledger import ledger
from policy.rules.messaging import messaging, read
from policy.rules.models import models
from policy.rules.regions import regions
from policy.rules.resources import resources
from policy.rules.scaling import scaling
from policy.rules.secrets import in_text, secrets
from policy.rules.tls import tls
from tests.support.policies import problems

pytestmark = pytest.mark.unit

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
Props = dict[str, Any]

GKE, EKS = "gcp:container/cluster:Cluster", "aws:eks/cluster:Cluster"
AKS = "azure-native:containerservice:ManagedCluster"
CLOUD_SQL, RDS = "gcp:sql/databaseInstance:DatabaseInstance", "aws:rds/instance:Instance"
FLEXIBLE = "azure-native:dbforpostgresql:Server"
MEMORYSTORE = "gcp:redis/instance:Instance"
ELASTICACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
AZURE_REDIS = "azure-native:redisenterprise:RedisEnterprise"
BUCKET = "gcp:storage/bucket:Bucket"
DEPLOYMENT, RELEASE = "kubernetes:apps/v1:Deployment", "kubernetes:helm.sh/v3:Release"
SERVICE, GATEWAY = "kubernetes:core/v1:Service", "kubernetes:networking.istio.io/v1:Gateway"
DESTINATION = "kubernetes:networking.istio.io/v1:DestinationRule"
KAFKA = "kubernetes:kafka.strimzi.io/v1:Kafka"
CONFIG_MAP, SECRET = "kubernetes:core/v1:ConfigMap", "kubernetes:core/v1:Secret"
MUTUAL = 'tls { cert_file: "tls.crt", key_file: "tls.key", verify: true }'
ONE_SIDED = 'tls { cert_file: "tls.crt", key_file: "tls.key", verify: false }'
CLOSED, IN_THE_POD = "pex = false\nmax_num_inbound_peers = 0", 'laddr = "tcp://127.0.0.1:26657"'
EMBEDDINGS = "registry.example/text-embeddings-inference:cpu-1.9"
CRON_JOB = "kubernetes:batch/v1:CronJob"
SCALED_OBJECT = "kubernetes:keda.sh/v1alpha1:ScaledObject"


def _pod(**container: Any) -> Props:
    return {"spec": {"template": {"spec": {"containers": [{"name": "app", **container}]}}}}


def _cron(**container: Any) -> Props:
    return {"spec": {"jobTemplate": {"spec": _pod(**container)["spec"] | {"schedule": "0 0 * * *"}}}}


def _firewall(source: str, *ports: str) -> Props:
    return {"direction": "INGRESS", "sourceRanges": [source], "allows": [{"protocol": "tcp", "ports": list(ports)}]}


def _azure_rule(source: str, port: str) -> Props:
    rule = {"name": "in", "direction": "Inbound", "access": "Allow", "destinationPortRange": port}
    return {"securityRules": [{**rule, "sourceAddressPrefix": source}]}


def _kafka(**listener: Any) -> Props:
    return {"spec": {"kafka": {"listeners": [{"name": "clients", **listener}]}}}


def _gateway(protocol: str, **tls_of_server: Any) -> Props:
    return {"spec": {"servers": [{"port": {"name": "web", "protocol": protocol}, "tls": tls_of_server}]}}


def _destination(**tls_of_rule: Any) -> Props:
    return {"spec": {"trafficPolicy": {"tls": tls_of_rule}}}


def _validator(p2p: str, rpc: str) -> Props:
    return {"data": {"config.toml": f'proxy_app = "kvstore"\n[p2p]\n{p2p}\n[rpc]\n{rpc}\n'}}


def _nats(text: str, file: str = "nats.conf", holder: str = "data") -> Props:
    return {holder: {file: text}}


def _link(tls_of_link: str) -> Props:
    link = f'urls: ["tls://site:hunter2@home:7422"], tls {{cert_file: "c", {tls_of_link}}}'
    return _nats(f"leafnodes {{ remotes: [{{ {link} }}] }}", "home.conf", "stringData")


def _server(changes: str = "") -> Props:
    """The file of a server for circles, with these lines instead of its own."""
    lines = {
        "rtc": "rtc: {udp_port: 7882}",
        "key_file": "key_file: /etc/keys.yaml",
        "bind_addresses": "bind_addresses: [127.0.0.1]",
        "redis": "redis: {tls: {enabled: true}}",
        "turn": "turn: {allow_restricted_peer_cidrs: [10.0.0.7/32]}",
    }
    lines |= {line.partition(":")[0]: line for line in changes.splitlines()}
    return {"data": {"circles-0.yaml": "\n".join(lines.values())}}


def _media(*ports: tuple[str, int], app: str = "circles") -> Props:
    opened = [{"protocol": protocol, "port": port} for protocol, port in ports]
    metadata = {"name": "circles-0-udp", "labels": {"app.kubernetes.io/name": app}}
    return {"metadata": metadata, "spec": {"type": "LoadBalancer", "ports": opened}}


def _scaled(*triggers: str, **changes: Any) -> Props:
    fallback = {"failureThreshold": 3, "replicas": 2, "behavior": "currentReplicasIfHigher"}
    spec = {"minReplicaCount": 2, "maxReplicaCount": 9, "fallback": fallback, **changes}
    return {"spec": {**spec, "triggers": [{"type": trigger} for trigger in triggers]}}


PRIVATE_GKE: Props = {
    "privateClusterConfig": {"enablePrivateNodes": True},
    "masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "203.0.113.0/24"}]},
}
PRIVATE_BUCKET: Props = {"publicAccessPrevention": "enforced", "uniformBucketLevelAccess": True}
BLOCK = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
FULL = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
STANDARD = dict.fromkeys(
    (
        "app.kubernetes.io/name",
        "app.kubernetes.io/part-of",
        "app.kubernetes.io/managed-by",
        "sacred-council.love/region",
    ),
    "x",
)
TAGS = {"part-of": "sacred-council", "managed-by": "pulumi"}
PUBLIC = {"type": "LoadBalancer"}

PASSING = [
    (encryption, GKE, {"databaseEncryption": {"state": "ENCRYPTED"}}),
    (encryption, EKS, {"encryptionConfig": {"resources": ["secrets"]}}),
    (encryption, AKS, {"securityProfile": {"azureKeyVaultKms": {"enabled": True}}}),
    (encryption, RDS, {"storageEncrypted": True}),
    (encryption, ELASTICACHE, {"atRestEncryptionEnabled": True}),
    (encryption, "aws:ec2/launchTemplate:LaunchTemplate", {"blockDeviceMappings": [{"ebs": {"encrypted": "true"}}]}),
    (
        encryption,
        "kubernetes:storage.k8s.io/v1:StorageClass",
        {"provisioner": "ebs.csi.aws.com", "parameters": {"encrypted": "true"}},
    ),
    (encryption, "kubernetes:storage.k8s.io/v1:StorageClass", {"provisioner": "pd.csi.storage.gke.io"}),
    (exposure, GKE, PRIVATE_GKE),
    (exposure, EKS, {"vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]}}),
    (exposure, EKS, {"vpcConfig": {"endpointPublicAccess": False}}),
    (exposure, AKS, {"apiServerAccessProfile": {"authorizedIPRanges": ["203.0.113.0/24"]}, "agentPoolProfiles": [{}]}),
    (exposure, AKS, {"apiServerAccessProfile": {"enablePrivateCluster": True}}),
    (exposure, CLOUD_SQL, {"settings": {"ipConfiguration": {"ipv4Enabled": False}}}),
    (exposure, RDS, {"publiclyAccessible": False}),
    (exposure, FLEXIBLE, {"network": {"delegatedSubnetResourceId": "/subnets/managed"}}),
    (exposure, AZURE_REDIS, {"publicNetworkAccess": "Disabled"}),
    (exposure, BUCKET, PRIVATE_BUCKET),
    (exposure, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", BLOCK),
    (exposure, "azure-native:storage:StorageAccount", {"allowBlobPublicAccess": False}),
    (exposure, "gcp:storage/bucketIAMMember:BucketIAMMember", {"member": "serviceAccount:backup@example"}),
    (exposure, "gcp:compute/firewall:Firewall", _firewall("0.0.0.0/0", "443")),
    (exposure, "gcp:compute/firewall:Firewall", _firewall("10.0.0.0/8", "22")),
    (exposure, "gcp:compute/instance:Instance", {"networkInterfaces": [{"network": "x"}]}),
    (exposure, "aws:ec2/subnet:Subnet", {"mapPublicIpOnLaunch": False}),
    (
        exposure,
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {"cidrIpv4": "0.0.0.0/0", "fromPort": 443, "toPort": 443, "ipProtocol": "tcp"},
    ),
    (exposure, "azure-native:network:NetworkSecurityGroup", _azure_rule("10.0.0.0/8", "22")),
    (
        exposure,
        SERVICE,
        {"metadata": {"name": "peer endpoint"}, "spec": {**PUBLIC, "loadBalancerSourceRanges": ["10.0.0.0/8"]}},
    ),
    (exposure, SERVICE, {"metadata": {"name": "istio-ingressgateway"}, "spec": PUBLIC}),
    (exposure, SERVICE, {"metadata": {"name": "inside"}, "spec": {"type": "ClusterIP"}}),
    (exposure, RELEASE, {"name": "istio-ingressgateway", "values": {"service": PUBLIC}}),
    (resources, DEPLOYMENT, _pod(resources=FULL)),
    (resources, CRON_JOB, _cron(resources=FULL)),
    (
        resources,
        RELEASE,
        {"values": {"app": {"resources": FULL}, "pvc": {"resources": {"requests": {"storage": "1"}}}}},
    ),
    # KEDA's chart has the resources of all its parts in one place.
    (resources, RELEASE, {"values": {"resources": {"operator": FULL, "metricServer": FULL}}}),
    (scaling, SCALED_OBJECT, _scaled("cpu", "prometheus")),
    (scaling, SCALED_OBJECT, _scaled("memory", fallback={"behavior": "currentReplicas"})),
    (labels, "kubernetes:core/v1:ConfigMap", {"metadata": {"labels": STANDARD}}),
    (labels, GKE, {"resourceLabels": TAGS}),
    (labels, RDS, {"tags": TAGS}),
    (labels, "azure-native:resources:ResourceGroup", {"tags": TAGS}),
    (regions, GKE, {"location": "europe-west1"}),
    (regions, "gcp:compute/instance:Instance", {"zone": "europe-west1-b"}),
    (regions, AKS, {"location": "South Africa North"}),
    (regions, "azure-native:cdn:Profile", {"location": "Global"}),
    (images, DEPLOYMENT, _pod(image="registry.example:5000/app:1.2")),
    (images, DEPLOYMENT, _pod(image=f"app@sha256:{'a' * 64}")),
    (images, RELEASE, {"chart": "istiod", "version": "1.30.3", "values": {"image": {"tag": ""}}}),
    (images, RELEASE, {"chart": "./charts/sacred-council"}),
    (models, DEPLOYMENT, _pod(image=EMBEDDINGS, args=[f"--revision={'a' * 40}"])),
    (models, DEPLOYMENT, _pod(image="app:1.2", command=["app", "--revision=main"])),
    (circles, CONFIG_MAP, _server()),
    (circles, CONFIG_MAP, _server("turn: {enabled: true}")),
    # Files that are other programs'.
    (circles, CONFIG_MAP, {"data": {"values.yaml": "rtc: {}"}}),
    (circles, CONFIG_MAP, {"data": {"values.yaml": "[not yaml"}}),
    (circles, SERVICE, _media(("UDP", 7882), ("UDP", 3478))),
    (circles, SERVICE, _media(("TCP", 443), ("TCP", 80), ("TCP", 7881))),
    (circles, SERVICE, _media(("TCP", 6379), app="redis")),
    (exposure, SERVICE, _media(("UDP", 7882))),
    (ledger, CONFIG_MAP, _validator(CLOSED, IN_THE_POD)),
    # A file of this name that is another program's.
    (ledger, CONFIG_MAP, {"data": {"config.toml": '[rpc]\nladdr = "0.0.0.0"'}}),
    (ledger, CONFIG_MAP, {"data": {"config.toml": "not = [toml"}}),
    (messaging, CONFIG_MAP, _nats(f"leafnodes {{ listen: 0.0.0.0:7422, {MUTUAL} }}")),
    (messaging, CONFIG_MAP, _nats(f"gateway {{ port:7222\n {MUTUAL} }}")),
    (messaging, CONFIG_MAP, _nats(f'websocket {{ port: 8443, {MUTUAL}, allowed_origins: ["https://a.example"] }}')),
    (messaging, CONFIG_MAP, _nats(f"websocket {{ port: 8443, {MUTUAL}, same_origin: true }}")),
    (messaging, SECRET, _link('ca_file: "ca.crt"')),
    # Nobody connects, and another program's file.
    (messaging, CONFIG_MAP, _nats("listen: 127.0.0.1:4222 # leafnodes { port: 7422 }")),
    (messaging, CONFIG_MAP, _nats("leafnodes { listen: 0.0.0.0:7422 }", "other.conf")),
    (carbon, GKE, {"location": "europe-west1"}),
    (carbon, AKS, {"location": "westus2"}),
    (tls, CLOUD_SQL, {"settings": {"ipConfiguration": {"sslMode": "ENCRYPTED_ONLY"}}}),
    (tls, MEMORYSTORE, {"transitEncryptionMode": "SERVER_AUTHENTICATION"}),
    (tls, ELASTICACHE, {"transitEncryptionEnabled": True}),
    (tls, AZURE_REDIS, {"minimumTlsVersion": "1.2"}),
    (tls, "gcp:compute/sSLPolicy:SSLPolicy", {"minTlsVersion": "TLS_1_2"}),
    (
        tls,
        "aws:cloudfront/distribution:Distribution",
        {"viewerCertificate": {"minimumProtocolVersion": "TLSv1.2_2021"}, "origins": []},
    ),
    (tls, GATEWAY, _gateway("HTTPS", mode="SIMPLE", minProtocolVersion="TLSV1_2")),
    (tls, KAFKA, _kafka(type="internal", tls=True, authentication={"type": "tls"})),
    (exposure, KAFKA, _kafka(type="internal")),
    (tls, GATEWAY, _gateway("HTTP", httpsRedirect=True)),
    (tls, GATEWAY, _gateway("TLS", mode="AUTO_PASSTHROUGH")),
    (tls, DESTINATION, _destination(mode="SIMPLE", credentialName="root", subjectAltNames=["x.y.svc"])),
    (tls, DESTINATION, _destination(mode="ISTIO_MUTUAL")),
    (tls, DESTINATION, {"spec": {"trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}}}}),
    (
        secrets,
        "kubernetes:core/v1:ConfigMap",
        {"data": {"app.conf": "password_file /etc/secret/password", "url": "nats://nats:4222"}},
    ),
    (secrets, DEPLOYMENT, _pod(env=[{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {}}}])),
    (secrets, DEPLOYMENT, _pod(env=[{"name": "URL", "value": "postgres://$(USER):$(PASSWORD)@db"}])),
    (secrets, RELEASE, {"values": {"admin": {"existingSecret": "grafana-admin", "passwordKey": "password"}}}),
]

FAILING: list[tuple[Any, str, Props, str]] = [
    (encryption, GKE, {"databaseEncryption": {"state": "DECRYPTED"}}, "databaseEncryption.state is DECRYPTED"),
    (encryption, EKS, {}, "encryptionConfig.resources is missing"),
    (encryption, AKS, {}, "securityProfile.azureKeyVaultKms.enabled is missing"),
    (encryption, RDS, {"storageEncrypted": False}, "storageEncrypted is false"),
    (encryption, ELASTICACHE, {}, "atRestEncryptionEnabled is missing"),
    (
        encryption,
        "aws:ec2/launchTemplate:LaunchTemplate",
        {"blockDeviceMappings": [{"ebs": {}}]},
        "blockDeviceMappings.ebs.encrypted is missing",
    ),
    (
        encryption,
        "kubernetes:storage.k8s.io/v1:StorageClass",
        {"provisioner": "ebs.csi.aws.com"},
        "parameters.encrypted is missing",
    ),
    (exposure, GKE, {**PRIVATE_GKE, "privateClusterConfig": {}}, "privateClusterConfig.enablePrivateNodes is missing"),
    (
        exposure,
        GKE,
        {**PRIVATE_GKE, "masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "0.0.0.0/0"}]}},
        "masterAuthorizedNetworksConfig.cidrBlocks.cidrBlock is 0.0.0.0/0",
    ),
    (exposure, EKS, {"vpcConfig": {"endpointPublicAccess": True}}, "vpcConfig.publicAccessCidrs is missing"),
    (exposure, EKS, {"vpcConfig": {"publicAccessCidrs": ["0.0.0.0/0"]}}, "vpcConfig.publicAccessCidrs"),
    (exposure, AKS, {}, "apiServerAccessProfile.authorizedIPRanges"),
    (
        exposure,
        AKS,
        {"apiServerAccessProfile": {"enablePrivateCluster": True}, "agentPoolProfiles": [{"enableNodePublicIP": True}]},
        "agentPoolProfiles.enableNodePublicIP is true",
    ),
    (
        exposure,
        "azure-native:containerservice:AgentPool",
        {"enableNodePublicIP": True},
        "enableNodePublicIP is true",
    ),
    (exposure, CLOUD_SQL, {"settings": {}}, "settings.ipConfiguration.ipv4Enabled is missing"),
    (exposure, RDS, {"publiclyAccessible": True}, "publiclyAccessible is true"),
    (
        exposure,
        FLEXIBLE,
        {"network": {"publicNetworkAccess": "Enabled"}},
        "network.publicNetworkAccess is not Disabled",
    ),
    (exposure, AZURE_REDIS, {"publicNetworkAccess": "Enabled"}, "publicNetworkAccess is Enabled"),
    (exposure, BUCKET, {"uniformBucketLevelAccess": True}, "publicAccessPrevention is missing"),
    (
        exposure,
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        {**BLOCK, "blockPublicPolicy": False},
        "blockPublicPolicy is false",
    ),
    (exposure, "aws:s3/bucketAcl:BucketAcl", {"acl": "public-read"}, "acl is public-read"),
    (exposure, "azure-native:storage:StorageAccount", {}, "allowBlobPublicAccess is missing"),
    (exposure, "gcp:storage/bucketIAMMember:BucketIAMMember", {"member": "allUsers"}, "member is allUsers"),
    (exposure, "gcp:compute/firewall:Firewall", _firewall("0.0.0.0/0", "22"), "to port 22"),
    (exposure, "gcp:compute/firewall:Firewall", _firewall("0.0.0.0/0"), "to port 0-65535"),
    (
        exposure,
        "gcp:compute/instance:Instance",
        {"networkInterfaces": [{"accessConfigs": [{"natIp": "x"}]}]},
        "networkInterfaces.accessConfigs",
    ),
    (exposure, "aws:ec2/subnet:Subnet", {"mapPublicIpOnLaunch": True}, "mapPublicIpOnLaunch is true"),
    (
        exposure,
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {"cidrIpv4": "0.0.0.0/0", "fromPort": 5432, "toPort": 5432, "ipProtocol": "tcp"},
        "to port 5432-5432",
    ),
    (
        exposure,
        "aws:ec2/securityGroup:SecurityGroup",
        {"ingress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}]},
        "to port 0-65535",
    ),
    (
        exposure,
        "azure-native:network:NetworkSecurityGroup",
        _azure_rule("*", "22"),
        "securityRules in allows access from anywhere",
    ),
    (exposure, SERVICE, {"metadata": {"name": "db"}, "spec": PUBLIC}, "loadBalancerSourceRanges is missing"),
    (
        exposure,
        SERVICE,
        {"metadata": {"name": "db"}, "spec": {**PUBLIC, "loadBalancerSourceRanges": ["0.0.0.0/0"]}},
        "loadBalancerSourceRanges",
    ),
    (exposure, RELEASE, {"name": "istio-eastwestgateway", "values": {"service": PUBLIC}}, "loadBalancerSourceRanges"),
    (scaling, SCALED_OBJECT, _scaled("cpu", minReplicaCount=0), "spec.minReplicaCount is 0"),
    (scaling, SCALED_OBJECT, _scaled("cpu", maxReplicaCount=None), "spec.maxReplicaCount is missing"),
    (scaling, SCALED_OBJECT, _scaled("cpu", fallback=None), "spec.fallback.behavior is missing"),
    (scaling, SCALED_OBJECT, _scaled("cpu", fallback={"replicas": 2, "behavior": "static"}), "behavior is static"),
    (scaling, SCALED_OBJECT, _scaled("prometheus", "cron"), "no trigger is cpu or memory"),
    (resources, DEPLOYMENT, _pod(), "has no requests.cpu, requests.memory, limits.cpu, limits.memory"),
    (resources, CRON_JOB, _cron(resources={"requests": FULL["requests"]}), "has no limits.cpu, limits.memory"),
    (
        resources,
        RELEASE,
        {"values": {"resources": {"operator": FULL, "webhooks": {"limits": FULL["limits"]}}}},
        "resources without requests.cpu, requests.memory",
    ),
    (
        resources,
        RELEASE,
        {"values": {"resources": {"requests": FULL["requests"]}}},
        "without limits.cpu, limits.memory",
    ),
    (
        labels,
        "kubernetes:core/v1:ConfigMap",
        {"metadata": {"labels": {}}},
        "metadata.labels lacks app.kubernetes.io/name",
    ),
    (labels, GKE, {}, "resourceLabels lacks part-of, managed-by"),
    (labels, "azure-native:resources:ResourceGroup", {"tags": {"part-of": "x"}}, "tags lacks managed-by"),
    (regions, GKE, {"location": "moon-north1"}, "moon-north1 is not in the catalogue"),
    (images, DEPLOYMENT, _pod(image="app:latest"), "has image app:latest"),
    (images, DEPLOYMENT, _pod(image="registry.example:5000/app"), "has image registry.example:5000/app"),
    (images, RELEASE, {"chart": "istiod", "version": "~1.30"}, "chart istiod has version ~1.30"),
    (images, RELEASE, {"chart": "istiod", "version": "1.30.3", "values": {"image": {"tag": "latest"}}}, "tag latest"),
    (
        models,
        DEPLOYMENT,
        _pod(image=EMBEDDINGS, command=["router", "--model-id=a/b"]),
        "names no revision of its model",
    ),
    (models, DEPLOYMENT, _pod(image=EMBEDDINGS, command=["router", "--revision=main"]), "has revision main"),
    (circles, CONFIG_MAP, _server("bind_addresses: [0.0.0.0]"), "bind_addresses ['0.0.0.0']"),
    (circles, CONFIG_MAP, _server("bind_addresses:"), "bind_addresses missing"),
    (circles, CONFIG_MAP, _server("redis: {address: redis:6379}"), "does not check whom it speaks with"),
    (circles, CONFIG_MAP, _server("redis: {tls: {enabled: true, insecure: true}}"), "does not check whom it speaks"),
    (circles, CONFIG_MAP, _server("development: true"), "has development"),
    (circles, CONFIG_MAP, _server("keys: {blue: hunter2}"), "has keys: keep the API keys in a Secret"),
    (circles, CONFIG_MAP, _server("turn: {allow_restricted_peer_cidrs: [10.0.0.0/8]}"), "lets TURN reach 10.0.0.0/8"),
    (circles, CONFIG_MAP, _server("turn: {allow_restricted_peer_cidrs: [all]}"), "lets TURN reach all"),
    (circles, SERVICE, _media(("UDP", 7882), ("TCP", 7880)), "opens TCP 7880 to everybody"),
    (circles, SERVICE, _media(("UDP", 53)), "opens UDP 53 to everybody"),
    (ledger, CONFIG_MAP, _validator("max_num_inbound_peers = 0", IN_THE_POD), "p2p.pex missing"),
    (ledger, CONFIG_MAP, _validator("pex = false", IN_THE_POD), "p2p.max_num_inbound_peers missing"),
    (ledger, CONFIG_MAP, _validator(CLOSED, 'laddr = "tcp://0.0.0.0:26657"'), "rpc.laddr tcp://0.0.0.0:26657"),
    (messaging, CONFIG_MAP, _nats("leafnodes { listen: 0.0.0.0:7422 }"), "leafnodes listens without tls"),
    (messaging, CONFIG_MAP, _nats(f"leaf {{ port: 7422, {ONE_SIDED} }}"), "leaf listens without tls {verify: true}"),
    (messaging, CONFIG_MAP, _nats(f"gateway {{ port: 7222, {ONE_SIDED} }}"), "gateway listens without tls"),
    (messaging, SECRET, _link('key_file: "k"'), "stringData.home.conf: leafnodes.remotes[0] names no authority"),
    (messaging, CONFIG_MAP, _nats("websocket { same_origin: true }"), "websocket has no tls with a certificate"),
    (
        messaging,
        CONFIG_MAP,
        _nats(f"websocket {{ {ONE_SIDED}, no_tls: true, same_origin: true }}"),
        "websocket has no tls with a certificate, or no_tls",
    ),
    (messaging, CONFIG_MAP, _nats(f"websocket {{ {ONE_SIDED} }}"), "websocket.allowed_origins names no page"),
    (
        messaging,
        CONFIG_MAP,
        _nats(f'websocket {{ {ONE_SIDED}, allowed_origins: ["http://a.example"] }}'),
        "websocket.allowed_origins has http://a.example",
    ),
    (carbon, AKS, {"location": "southafricanorth"}, "700 g CO2eq per kWh (2025), more than 500"),
    (tls, CLOUD_SQL, {"settings": {}}, "settings.ipConfiguration.sslMode is missing"),
    (tls, MEMORYSTORE, {"transitEncryptionMode": "DISABLED"}, "transitEncryptionMode is DISABLED"),
    (tls, ELASTICACHE, {"transitEncryptionEnabled": False}, "transitEncryptionEnabled is false"),
    (tls, AZURE_REDIS, {"minimumTlsVersion": "1.0"}, "minimumTlsVersion is 1.0"),
    (tls, "gcp:compute/sSLPolicy:SSLPolicy", {"minTlsVersion": "TLS_1_0"}, "minTlsVersion is TLS_1_0"),
    (
        tls,
        "aws:cloudfront/distribution:Distribution",
        {"viewerCertificate": {"minimumProtocolVersion": "TLSv1"}},
        "minimumProtocolVersion is TLSv1",
    ),
    (tls, GATEWAY, _gateway("HTTPS", mode="SIMPLE"), "has minProtocolVersion missing"),
    (tls, DESTINATION, _destination(mode="DISABLE"), "tls.mode is DISABLE"),
    (tls, DESTINATION, _destination(mode="SIMPLE", subjectAltNames=["x.y.svc"]), "names no authority"),
    (tls, DESTINATION, _destination(mode="SIMPLE", credentialName="root"), "subjectAltNames is missing"),
    (tls, KAFKA, _kafka(tls=False, authentication={"type": "tls"}), "spec.kafka.listeners.tls is false"),
    (tls, KAFKA, _kafka(tls=True), "spec.kafka.listeners.authentication.type is missing"),
    (exposure, KAFKA, _kafka(type="loadbalancer"), "spec.kafka.listeners.type is loadbalancer"),
    (tls, GATEWAY, _gateway("HTTP"), "speaks without TLS"),
    (
        secrets,
        "kubernetes:core/v1:ConfigMap",
        {"data": {"key.pem": "-----BEGIN RSA PRIVATE KEY-----\nMII"}},
        "data.key.pem holds a private key",
    ),
    (
        secrets,
        "kubernetes:core/v1:ConfigMap",
        {"data": {"password": "hunter2"}},
        "data.password is called like a secret",
    ),
    (
        secrets,
        "kubernetes:core/v1:ConfigMap",
        {"data": {"url": "redis://default:hunter2@redis:6379"}},
        "data.url holds a URL with a password",
    ),
    (secrets, DEPLOYMENT, _pod(env=[{"name": "DB_PASSWORD", "value": "hunter2"}]), "has DB_PASSWORD in plain"),
    (secrets, DEPLOYMENT, _pod(args=["--url=nats://app:hunter2@nats"]), "is started with a URL with a password"),
    (
        secrets,
        RELEASE,
        {"values": {"grafana": {"adminPassword": "hunter2"}}},
        "value adminPassword is a secret in plain",
    ),
]


@pytest.mark.parametrize(("rule", "kind", "props"), PASSING)
def test_what_keeps_to_the_rule_passes(rule: Any, kind: str, props: Props) -> None:
    assert problems(rule, kind, props) == []


@pytest.mark.parametrize(("rule", "kind", "props", "said"), FAILING)
def test_what_breaks_the_rule_is_reported_once(rule: Any, kind: str, props: Props, said: str) -> None:
    found = problems(rule, kind, props)
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(("rule", "kind", "props", "said"), FAILING)
def test_no_message_repeats_a_secret(rule: Any, kind: str, props: Props, said: str) -> None:
    assert "hunter2" not in "".join(problems(rule, kind, props))


@pytest.mark.parametrize(
    ("rule", "kind", "props"),
    [
        (encryption, RDS, {"storageEncrypted": UNKNOWN}),
        (encryption, GKE, {"databaseEncryption": UNKNOWN}),
        (exposure, EKS, {"vpcConfig": {"publicAccessCidrs": UNKNOWN}}),
        (exposure, SERVICE, {"metadata": {"name": "x"}, "spec": {**PUBLIC, "loadBalancerSourceRanges": UNKNOWN}}),
        (images, DEPLOYMENT, _pod(image=UNKNOWN)),
        (models, DEPLOYMENT, _pod(image=EMBEDDINGS, command=UNKNOWN)),
        (ledger, CONFIG_MAP, {"data": {"config.toml": UNKNOWN}}),
        (messaging, SECRET, {"stringData": {"home.conf": UNKNOWN}}),
        (circles, CONFIG_MAP, {"data": {"circles-0.yaml": UNKNOWN}}),
        (circles, SERVICE, _media(("UDP", UNKNOWN))),  # type: ignore[arg-type]
        (labels, RDS, {"tags": UNKNOWN}),
        (resources, DEPLOYMENT, _pod(resources=UNKNOWN)),
        (scaling, SCALED_OBJECT, {"spec": UNKNOWN}),
        (secrets, DEPLOYMENT, _pod(env=[{"name": "PASSWORD", "value": UNKNOWN}])),
        (regions, GKE, {"location": UNKNOWN}),
    ],
)
def test_what_is_not_known_yet_is_passed_over(rule: Any, kind: str, props: Props) -> None:
    assert problems(rule, kind, props) == []


def test_allowed_regions_can_be_named_by_region_and_by_country() -> None:
    where = {"location": "europe-west1"}
    assert problems(regions, GKE, where, {"regions": ["us-central1"]})
    assert problems(regions, GKE, where, {"countries": ["US"]})
    assert not problems(regions, GKE, where, {"regions": ["europe-west1"], "countries": ["BE"]})
    assert problems(regions, "azure-native:cdn:Profile", {"location": "global"}, {"allowGlobal": False})


def test_the_region_of_aws_is_that_of_the_provider_unless_the_resource_has_one() -> None:
    assert problems(regions, RDS, {}, {"countries": ["BR"]}, region="eu-west-1")
    assert not problems(regions, RDS, {"region": "sa-east-1"}, {"countries": ["BR"]}, region="eu-west-1")


def test_the_carbon_threshold_is_configurable() -> None:
    assert problems(carbon, GKE, {"location": "europe-west1"}, {"gramsPerKwh": 100})
    assert not problems(carbon, AKS, {"location": "southafricanorth"}, {"gramsPerKwh": 700})


def test_public_services_and_labels_are_configurable() -> None:
    service = {"metadata": {"name": "shop"}, "spec": PUBLIC}
    assert not problems(exposure, SERVICE, service, {"publicServices": ["shop"]})
    assert problems(labels, RDS, {"tags": TAGS}, {"cloud": ["owner"]})


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("redis:8.10.1", True),
        ("redis", False),
        ("redis:latest", False),
        (f"redis@sha256:{'0' * 64}", True),
        ("redis@sha256:short", False),
        ("localhost:5000/redis", False),
    ],
)
def test_an_image_is_pinned_by_a_tag_or_a_digest(image: str, expected: bool) -> None:
    assert is_pinned(image) is expected


def test_a_token_of_nats_is_public_and_others_are_not() -> None:
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = nkeys.token({"sub": nkeys.public_key(key, "account"), "nats": {"type": "account"}}, key)
    assert list(in_text(f"resolver_preload: {account}")) == []
    other = base64.urlsafe_b64encode(b'{"alg":"RS256","typ":"JWT"}').decode().rstrip("=")
    assert list(in_text(f"token: {other}.{account.split('.', 1)[1]}")) == ["a signed token"]


def test_a_file_of_nats_is_read_with_its_blocks_and_lists() -> None:
    text = """
    server_name: $NAME   // a comment
    include ./users.conf
    Accounts { "A:1": { users = [{user: "u", password: $P}, {user: 'v'}] }
      B { jetstream: enabled } } # { not a block
    routes: [
      tls://one:6222
      "tls://two:6222"
    ]
    port:4222
    """
    assert read(text) == {
        "server_name": "$NAME",
        "include": "./users.conf",
        "accounts": {
            "a:1": {"users": [{"user": "u", "password": "$P"}, {"user": "v"}]},
            "b": {"jetstream": "enabled"},
        },
        "routes": ["tls://one:6222", "tls://two:6222"],
        "port": "4222",
    }


@pytest.mark.parametrize("text", ["", "}", "a", "a {", "a [", "a: [{b", "} a: b", "{{", "a: }"])
def test_a_file_with_mistakes_ends_in_no_error(text: str) -> None:
    assert isinstance(read(text), dict)

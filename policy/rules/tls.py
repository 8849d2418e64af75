"""TLS: connections between machines use version 1.2 or later."""

from collections.abc import Iterator
from typing import Final

from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy.rule import Config, Must, Rule, Table, apply, is_true, one_of
from policy.values import UNKNOWN, Props, at, elements, shown

_NOT_OLD: Final = "take TLS 1.2 or later"
_WITHOUT_END: Final = ("PASSTHROUGH", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL")


def _gateway(props: Props, _config: Config) -> Iterator[str]:
    for server in elements(props, "spec.servers"):
        tls = at(server, "tls") or {}
        if tls is UNKNOWN:
            continue
        if at(server, "port.protocol") in ("HTTP", "HTTP2", "GRPC", "TCP") and not is_true(at(tls, "httpsRedirect")):
            yield f"server {shown(at(server, 'port.name'))} speaks without TLS and does not redirect: use HTTPS"
        least = at(tls, "minProtocolVersion")
        if at(tls, "mode") not in (None, *_WITHOUT_END) and least not in ("TLSV1_2", "TLSV1_3"):
            yield f"server {shown(at(server, 'port.name'))} has minProtocolVersion {shown(least)}: {_NOT_OLD}"


def _destination(props: Props, _config: Config) -> Iterator[str]:
    tls = at(props, "spec.trafficPolicy.tls") or {}
    if tls is UNKNOWN:
        return
    mode, names = at(tls, "mode"), at(tls, "subjectAltNames")
    if mode == "DISABLE":
        yield "spec.trafficPolicy.tls.mode is DISABLE: speak TLS with the servers"
    if mode in ("SIMPLE", "MUTUAL") and not (at(tls, "credentialName") or at(tls, "caCertificates")):
        yield "spec.trafficPolicy.tls names no authority: name it in credentialName or caCertificates"
    if mode in ("SIMPLE", "MUTUAL") and not names:
        yield "spec.trafficPolicy.tls.subjectAltNames is missing: name the servers, or any of the authority would do"


def _front_peer_endpoint(props: Props, _config: Config) -> Iterator[str]:
    if at(props, "tlsSettings.minimumTlsVersion") not in ("TLS12", "TLS13"):
        yield f"tlsSettings.minimumTlsVersion is {shown(at(props, 'tlsSettings.minimumTlsVersion'))}: {_NOT_OLD}"


TABLE: Final[Table] = {
    "gcp:sql/databaseInstance:DatabaseInstance": (
        Must(
            path="settings.ipConfiguration.sslMode",
            holds=one_of("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"),
            remedy="let nobody connect without TLS",
        ),
    ),
    "gcp:redis/instance:Instance": (
        Must(path="transitEncryptionMode", holds=one_of("SERVER_AUTHENTICATION"), remedy="turn TLS on"),
    ),
    "gcp:compute/sSLPolicy:SSLPolicy": (
        Must(path="minTlsVersion", holds=one_of("TLS_1_2", "TLS_1_3"), remedy=_NOT_OLD),
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        Must(path="transitEncryptionEnabled", holds=is_true, remedy="turn TLS on"),
    ),
    "aws:cloudfront/distribution:Distribution": (
        Must(
            path="viewerCertificate.minimumProtocolVersion",
            holds=lambda value: str(value).startswith(("TLSv1.2_", "TLSv1.3_")),
            remedy=_NOT_OLD,
        ),
        Must(
            path="origins[].customOriginConfig.originProtocolPolicy",
            holds=one_of(None, "https-only"),
            remedy="speak TLS with the regions",
        ),
    ),
    "azure-native:redisenterprise:RedisEnterprise": (
        Must(path="minimumTlsVersion", holds=one_of("1.2", "1.3"), remedy=_NOT_OLD),
    ),
    "azure-native:redisenterprise:Database": (
        Must(path="clientProtocol", holds=one_of("Encrypted"), remedy="let nobody connect without TLS"),
    ),
    "azure-native:redis:Redis": (
        Must(path="minimumTlsVersion", holds=one_of("1.2", "1.3"), remedy=_NOT_OLD),
        Must(path="enableNonSslPort", holds=one_of(None, False), remedy="let nobody connect without TLS"),
    ),
    "azure-native:storage:StorageAccount": (
        Must(path="minimumTlsVersion", holds=one_of("TLS1_2", "TLS1_3"), remedy=_NOT_OLD),
        Must(path="enableHttpsTrafficOnly", holds=one_of(None, True), remedy="let nobody connect without TLS"),
    ),
    "azure-native:cdn:AFDCustomDomain": (_front_peer_endpoint,),
    "kubernetes:networking.istio.io/v1:DestinationRule": (_destination,),
    "kubernetes:networking.istio.io/v1:Gateway": (_gateway,),
    "kubernetes:kafka.strimzi.io/v1:Kafka": (
        Must(path="spec.kafka.listeners[].tls", holds=is_true, remedy="let nobody connect without TLS"),
        Must(
            path="spec.kafka.listeners[].authentication.type",
            holds=one_of("tls", "scram-sha-512"),
            remedy="let every client say who it is",
        ),
    ),
}


def tls(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Every endpoint requires TLS 1.2 or later."""
    apply(TABLE, args, report)


RULE: Final = Rule(
    name="minimum-tls",
    description="Every endpoint that supports TLS must require version 1.2 or later.",
    remedy="Turn TLS on, and set the minimum version to 1.2 or 1.3.",
    validate=tls,
)

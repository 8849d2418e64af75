"""CDN, firewalls, certificates and DNS of AWS. Times [INF]: CloudFront 5 minutes, Global Accelerator 2."""

from __future__ import annotations

from typing import Final

from sandbox.providers.aws.make import ACCOUNT, arn, id_from, named, plain, random_id
from sandbox.providers.cloud.dns import alias_alone
from sandbox.providers.cloud.kinds import Facts, Kind, Table, unchangeable

_CLOUDFRONT_ZONE: Final = "Z2FDTNDATAQYW2"
"""Every CloudFront distribution is in this zone: AWS documents it for alias records."""


def _distribution(facts: Facts) -> str:
    return f"E{facts.token[:13].upper()}"


def _validation(facts: Facts) -> list[dict[str, str]]:
    names = [facts.text("domainName"), *(facts.inputs.get("subjectAlternativeNames") or [])]
    return [
        {
            "domainName": name,
            "resourceRecordName": f"_{facts.token}.{name.removeprefix('*.')}.",
            "resourceRecordType": "CNAME",
            "resourceRecordValue": f"_{facts.token[::-1]}.acm-validations.aws.",
        }
        for name in dict.fromkeys(names)
    ]


def _certificate(facts: Facts) -> str:
    return str(arn("acm", "certificate/", "")(facts))


def _worldwide(path: str, **extra: str) -> Kind:
    """A CloudFront resource, with its own name and without a region."""
    return Kind(
        id=lambda facts: facts.token,
        outputs={
            "etag": lambda facts: f"E{facts.token[:12].upper()}",
            "arn": arn("cloudfront", path, "", worldwide=True),
        },
        name_input="name",
        immutable=unchangeable("name", *extra.values()),
    )


KINDS: Final[Table] = {
    "aws:cloudfront/distribution:Distribution": Kind(
        id=_distribution,
        outputs={
            "arn": lambda facts: f"arn:aws:cloudfront::{ACCOUNT}:distribution/{_distribution(facts)}",
            "domainName": lambda facts: f"d{facts.token[:13]}.cloudfront.net",
            "hostedZoneId": lambda facts: _CLOUDFRONT_ZONE,
            "status": lambda facts: "Deployed",
        },
        immutable=unchangeable("staging"),
        minutes=5.0,
    ),
    "aws:cloudfront/cachePolicy:CachePolicy": _worldwide("cache-policy/"),
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": _worldwide("origin-request-policy/"),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": _worldwide("response-headers-policy/"),
    "aws:cloudfront/originAccessControl:OriginAccessControl": _worldwide("origin-access-control/"),
    "aws:cloudfront/function:Function": _worldwide("function/"),
    "aws:wafv2/webAcl:WebAcl": named(
        lambda facts: facts.token, "scope namePrefix", longest=128, outputs={"arn": arn("wafv2", "global/webacl/")}
    ),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": plain(id_from("resourceArn"), "resourceArn"),
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": named(
        id_from("name"),
        "logType resourceArn",
        longest=60,
        outputs={"arn": arn("logs", "delivery-source:"), "service": lambda facts: "cloudfront"},
    ),
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": named(
        id_from("name"), "outputFormat", longest=60, outputs={"arn": arn("logs", "delivery-destination:")}
    ),
    "aws:cloudwatch/logDelivery:LogDelivery": plain(
        lambda facts: facts.token[:16],
        "deliverySourceName deliveryDestinationArn",
        outputs={"arn": arn("logs", "delivery:", "")},
    ),
    "aws:acm/certificate:Certificate": plain(
        _certificate,
        "domainName subjectAlternativeNames validationMethod keyAlgorithm",
        minutes=0.2,
        outputs={"arn": _certificate, "domainValidationOptions": _validation},
    ),
    "aws:acm/certificateValidation:CertificateValidation": plain(
        random_id("validation"), "certificateArn validationRecordFqdns", minutes=2.0
    ),
    "aws:route53/zone:Zone": Kind(
        id=lambda facts: f"Z{facts.token[:19].upper()}",
        outputs={
            "zoneId": lambda facts: f"Z{facts.token[:19].upper()}",
            "nameServers": lambda facts: [f"ns-{number}.awsdns-{number:02}.org" for number in range(1, 5)],
        },
        immutable=unchangeable("name delegationSetId"),
        minutes=0.5,
    ),
    "aws:route53/record:Record": Kind(
        id=id_from("zoneId", "name", "type", "setIdentifier", by="_"),
        outputs={"fqdn": lambda facts: facts.text("name")},
        immutable=unchangeable("zoneId name type setIdentifier"),
        minutes=0.5,
        refusal=alias_alone("zoneId", "name", kind="type"),
    ),
    "aws:route53/healthCheck:HealthCheck": Kind(
        id=lambda facts: facts.token,
        outputs={"arn": lambda facts: f"arn:aws:route53:::healthcheck/{facts.token}"},
        immutable=unchangeable("type requestInterval measureLatency"),
    ),
    "aws:globalaccelerator/accelerator:Accelerator": Kind(
        id=arn("globalaccelerator", "accelerator/", "", worldwide=True),
        name_input="name",
        longest=64,
        immutable=unchangeable("ipAddresses"),
        minutes=2.0,
        outputs={"dnsName": lambda facts: f"a{facts.token[:16]}.awsglobalaccelerator.com"},
    ),
}

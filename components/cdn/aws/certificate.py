"""The certificate that users see, signed by AWS and renewed by it as long as the DNS record stands."""

import pulumi
from pulumi_aws import acm

from components.cdn import names
from components.cdn.aws.zone import AwsZone


class AwsCertificate(pulumi.ComponentResource):
    """A certificate for the domain, validated by DNS. It must be in us-east-1, where CloudFront looks for it.

    Outputs: `arn` (known once it is valid).
    """

    arn: pulumi.Output[str]

    def __init__(self, name: str, domain: str, zone: AwsZone, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:AwsCertificate", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        certificate = acm.Certificate(
            f"{name}-certificate",
            domain_name=domain,
            validation_method="DNS",
            key_algorithm="EC_prime256v1",
            tags=names.LABELS,
            opts=child,
        )
        proof = certificate.domain_validation_options[0]
        record = zone.record(
            f"{name}-proof",
            proof["resource_record_name"],
            proof["resource_record_type"],
            [proof["resource_record_value"]],
        )
        valid = acm.CertificateValidation(
            f"{name}-validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=child,
        )
        self.arn = valid.certificate_arn
        self.register_outputs({"arn": self.arn})

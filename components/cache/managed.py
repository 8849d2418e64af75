"""What clients need for a cache of a cloud, whichever cloud that is."""

from dataclasses import dataclass

import pulumi

from components import network
from components.cache.arguments import connection_url
from components.connection import connection_secret, secret_name


@dataclass(frozen=True, kw_only=True)
class ManagedCacheConnectionArgs:
    """Where the cache is (`host`, known once it answers, and `port`), who signs its certificate (`authority`, PEM).

    Its address is one of `addresses` (CIDR).
    """

    region: str
    client_namespace: pulumi.Input[str]
    addresses: str
    host: pulumi.Output[str]
    port: int
    password: pulumi.Output[str]
    authority: pulumi.Input[str]


class ManagedCacheConnection(pulumi.ComponentResource):
    """The clients' way to the cache, and the Secret that says how to log in.

    The clouds' services all have passwords of their own besides the identities of their cloud; those would be gone
    after an hour, and clients would need a library of the cloud: a caller would know which cache it has.

    Outputs: `url` (secret), `host`, `port`, `secret_name`, as `components.cache.Cache` promises them.
    """

    url: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: ManagedCacheConnectionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cache:ManagedCacheConnection", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        opened = network.policy(
            f"{name}-clients",
            name="to-cache",
            app=secret_name("cache"),
            region=args.region,
            namespace=args.client_namespace,
            egress=[network.egress([args.port], network.cidr(args.addresses))],
            opts=child,
        )
        url = pulumi.Output.all(password=args.password, host=args.host).apply(
            lambda known: connection_url(password=known["password"], host=known["host"], port=args.port)
        )
        secret = connection_secret(
            f"{name}-connection",
            "cache",
            region=args.region,
            namespace=args.client_namespace,
            settings={
                "url": url,
                "host": args.host,
                "port": str(args.port),
                "username": "default",
                "password": args.password,
                "ca.crt": args.authority,
            },
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[opened])),
        )
        self.secret_name = secret.metadata.name
        self.host = self.secret_name.apply(lambda _: args.host)
        self.port = self.secret_name.apply(lambda _: args.port)
        self.url = pulumi.Output.secret(self.secret_name.apply(lambda _: url))
        self.register_outputs({"host": self.host, "port": self.port, "secret_name": self.secret_name})

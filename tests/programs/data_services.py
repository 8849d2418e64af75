"""A program with only the database, the cache and messaging, for tests.

Configuration: `nodes` (the number of nodes of each) and `bare` (without monitoring).
"""

import pulumi
import pulumi_kubernetes as k8s

from components.cache import Cache
from components.cache.redis import Redis
from components.cache.settings import CacheSettings
from components.context import RegionContext, RegionLabels
from components.database import Database
from components.database.cockroachdb import CockroachDB
from components.database.credentials import DatabaseCredentials
from components.database.settings import DatabaseSettings
from components.messaging import Messaging
from components.messaging.nats import Nats
from components.messaging.settings import MessagingSettings
from components.namespaces import COCKROACHDB, NATS, REDIS, SERVICES
from components.trust import RegionAuthority, RegionAuthorityArgs, RootAuthority, RootAuthorityArgs

config = pulumi.Config("data-services")
nodes = config.get_int("nodes") or 1
crds = None if config.get_bool("bare") else k8s.core.v1.ConfigMap("crds")

root = RootAuthority("root", RootAuthorityArgs(common_name="root"))
authority = RegionAuthority("region", RegionAuthorityArgs(root=root, common_name="region"))
credentials = DatabaseCredentials("credentials")

context = RegionContext(
    labels=RegionLabels(region="here", city="Brussels", latitude=0, longitude=0),
    domain="example.org",
    namespaces={name: pulumi.Output.from_input(name) for name in (COCKROACHDB, REDIS, NATS, SERVICES)},
    authority=authority,
    options=pulumi.ResourceOptions(),
    monitored_by=crds,
)
database: Database = CockroachDB(
    "here-database", context, DatabaseSettings(nodes=nodes), credentials=credentials, primary_region="here"
)
cache: Cache = Redis("here-cache", context, CacheSettings(replicas=nodes))
messaging: Messaging = Nats("here-messaging", context, MessagingSettings(servers=nodes))
services: dict[str, Database | Cache | Messaging] = {"database": database, "cache": cache, "messaging": messaging}
for name, data_service in services.items():
    pulumi.export(
        name,
        {
            "host": data_service.host,
            "port": data_service.port,
            "secret": data_service.secret_name,
            "url": data_service.url,
        },
    )

"""One region: the whole platform in one place. A region scales by itself and survives without the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.cache import TYPES as CACHE_TYPES
from components.cache import Cache
from components.cache.redis import Redis, taking_connections
from components.cdn import RegionEdge
from components.circles import Circles
from components.circles.access import CirclesAccess
from components.circles.endpoints import ServerAddresses
from components.circles.livekit import CirclesPlace, LiveKit, RoomCache
from components.connection import DataService, depends_on_ready
from components.context import RegionContext
from components.database import TYPES as DATABASE_TYPES
from components.database import Database, cockroachdb_nodes
from components.database.cockroachdb import CockroachDB
from components.database.credentials import DatabaseCredentials
from components.ledger import Ledger
from components.ledger.cometbft import CometBFT
from components.ledger.ledger_keys import LedgerMembers
from components.matching import Matching
from components.matching.matching import EmbeddingMatching
from components.mesh import EastWest
from components.messaging import Messaging
from components.messaging.live_keys import LiveKeys
from components.messaging.nats import Nats
from components.messaging.site_links import HomeLink, SiteLink
from components.monitoring import Monitoring
from components.namespaces import COCKROACHDB, MATCHING, SERVICES
from components.peering import StorePeers
from components.scaling import Keda, ScaledServices
from components.services import Services
from components.sites import HomeCollector, HomeDatabase, SiteCollector
from components.streaming import Streaming
from components.streaming.kafka import Kafka
from stacks import monitoring_targets, topology
from stacks.data_services import data_services, managed
from stacks.edge import region_host
from stacks.managed_data_services import ManagedDataServices
from stacks.peering import addresses_of_sites
from stacks.region_base import RegionBase
from stacks.region_mesh import RegionMesh
from stacks.scaling import scaling_plan
from stacks.service_values import values_of
from stacks.settings import Settings
from stacks.topology import RegionPlan

AnyDataService = Database | HomeDatabase | Cache | Messaging | Streaming | Matching | Ledger | Circles
DataServices = Mapping[DataService, AnyDataService]


@dataclass(frozen=True, kw_only=True)
class Home:
    """The home region of an edge site, as the site reaches it."""

    database: Sequence[Sequence[pulumi.Output[str]]]
    """IPv4 addresses of the peer endpoint of each of its database nodes."""
    messaging: HomeLink
    traces: HomeCollector | None = None
    """Its collector of traces. None: the stack has no monitoring, so the site has no collector either."""


@dataclass(frozen=True, kw_only=True)
class RegionArgs:
    """Arguments of a `Region`."""

    plan: RegionPlan
    settings: Settings
    secrets: Mapping[str, pulumi.Output[str] | None]
    """The stack's secrets by name; None for one that is not set."""
    base: RegionBase
    database_credentials: DatabaseCredentials
    """The application's credentials, the same in every region."""
    matching_credentials: DatabaseCredentials | None
    """Those of matching, the same in every region. None: there is no matching."""
    chart_renderer: k8s.Provider
    """Renders the charts of this repository."""
    east_west: EastWest | None = None
    """Joins the region's mesh with the others'. None: no peers."""
    ledger: LedgerMembers | None = None
    """The validators of all regions. None: there is no ledger."""
    circles: CirclesAccess | None = None
    """How services let people into circles' calls. None: there are none."""
    circles_addresses: Sequence[ServerAddresses] = ()
    """The reserved addresses of each of the region's servers for circles."""
    peers: Mapping[str, StorePeers] = field(default_factory=dict)
    """The other regions' peer endpoints, by data service. A data service without an entry has no peers."""
    edge: RegionEdge | None = None
    """The CDN in front of the region. None: no CDN."""
    live: LiveKeys | None = None
    """The keys with which browsers reach the messaging of every region. None: they do not."""
    sites: Sequence[SiteLink] = ()
    """The edge sites whose home the region is."""
    home: Home | None = None
    """The home region, for an edge site. None: this is a region, with a database of its own."""


class Region(pulumi.ComponentResource):
    """Monitoring, data services, mesh and services of one region, the same on every cloud.

    An edge site is a region with a `home`, whose database it uses.
    """

    context: RegionContext
    """The region as its components see it."""
    outputs: Mapping[str, Any]
    """How a user reaches the region. Holds no secret."""
    ready: Sequence[pulumi.Input[pulumi.Resource]]
    """Resources that the services need."""
    certificates: pulumi.Resource | None
    """Installs cert-manager's kinds. None if nothing needs them."""

    def __init__(self, name: str, args: RegionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:stack:Region", name, None, opts)
        self._name = name
        self._args = args
        self._backups: pulumi.Output[str] | None = None
        self._child = pulumi.ResourceOptions(parent=self, providers=[args.base.provider])
        self._scaling = scaling_plan(args.settings, args.plan.place.time_zone)
        self.context = self._before_monitoring()
        self._managed = ManagedDataServices(
            plan=args.plan, settings=args.settings, context=self.context, cluster=args.base.region_cluster
        )
        monitoring = self._monitoring() if args.settings.monitoring.enabled else None
        self.context = self.context.with_monitoring(monitoring.release if monitoring else None)
        self._collect_traces()
        mesh = self._mesh() if args.settings.mesh.enabled else None
        self.certificates = mesh.certificates if mesh else None
        keda = self._keda()
        database = self._database(mesh.ready if mesh else [])
        cache = self._cache()
        made: DataServices = {
            "database": database,
            "cache": cache,
            "messaging": self._messaging(),
            **({"streaming": self._streaming()} if "streaming" in data_services(args.settings) else {}),
            **self._matching(database, keda),
            **self._ledger(),
            **self._circles(cache),
        }
        ports = {kind: data_service.port for kind, data_service in made.items()}
        egress = self._managed.admit(ports, mesh.ready) if mesh else []
        self.ready = [
            *(depends_on_ready(data_service.secret_name) for data_service in made.values()),
            *(mesh.ready if mesh else []),
            *egress,
        ]
        services = self._services()
        self._scale(services, keda)
        found_as = args.base.cluster.found_as
        self.outputs = {
            **({"cluster": found_as} if found_as else {}),
            "services": services.endpoints,
            **{kind: _where(data_service) for kind, data_service in made.items()},
            **({"backups": self._backups} if self._backups else {}),
            **({"gateway": mesh.outputs} if mesh else {}),
            **({"monitoring": _how_to_look(monitoring)} if monitoring else {}),
        }
        self.register_outputs({})

    def _before_monitoring(self) -> RegionContext:
        return RegionContext(
            labels=monitoring_targets.region_labels(self._args.plan),
            domain=self._args.settings.edge.domain,
            namespaces=self._args.base.namespaces,
            authority=self._args.base.authority,
            options=self._child,
            storage_class=self._args.base.cluster.storage_class,
            peers=self._args.peers,
        )

    def _monitoring(self) -> Monitoring:
        settings = self._args.settings
        return Monitoring(
            f"{self._name}-monitoring",
            self.context,
            settings.monitoring,
            size=monitoring_targets.region_size(settings, self._name),
            targets=monitoring_targets.of_region(settings, self._name),
            trace_clients=monitoring_targets.trace_clients(settings),
            trace_sites=addresses_of_sites(settings, self._name),
            dns_server=self._args.base.cluster.dns_server,
            machine_prices=monitoring_targets.machine_prices(settings, self._name),
            receiver=monitoring_targets.alert_receiver(self._args.secrets),
            scaling=self._scaling,
        )

    @property
    def _traces(self) -> HomeCollector | None:
        """Where an edge site sends its traces. None: nowhere, or this is a region."""
        return self._args.home.traces if self._args.home is not None else None

    def _collect_traces(self) -> None:
        """Collect the traces of an edge site for its home. A region collects its own as part of its monitoring."""
        if self._traces is not None:
            clients = monitoring_targets.trace_clients(self._args.settings)
            SiteCollector(f"{self._name}-collector", self.context, self._traces, clients=clients)

    def _mesh(self) -> RegionMesh:
        return RegionMesh(
            f"{self._name}-mesh",
            self.context,
            self._args.settings,
            plan=self._args.plan,
            base=self._args.base,
            east_west=self._args.east_west,
            edge=self._args.edge,
            traced=self._traces is not None,
        )

    def _database(self, mesh: Sequence[pulumi.Resource]) -> Database | HomeDatabase:
        home = self._args.home
        if home is not None:
            return HomeDatabase(
                f"{self._name}-database",
                self.context,
                home=home.messaging.region,
                endpoints=home.database,
                credentials=self._args.database_credentials,
                mesh=mesh,
            )
        if "database" not in managed(self._args.settings):
            return self._cockroachdb()
        return self._managed.database(
            self._args.database_credentials, self.context.child(_engine_aliases(DATABASE_TYPES))
        )

    def _cockroachdb(self) -> CockroachDB:
        settings = self._args.settings
        database = CockroachDB(
            f"{self._name}-database",
            self.context,
            settings.database,
            credentials=self._args.database_credentials,
            primary_region=settings.primary_region,
            license_key=self._args.secrets["cockroachdbLicense"],
            backup=self._managed.backup(
                namespace=COCKROACHDB, service_account=cockroachdb_nodes.APP, opts=pulumi.ResourceOptions(parent=self)
            ),
            backed_up=settings.backup_regions,
            opts=_engine_aliases(DATABASE_TYPES),
        )
        self._backups = database.backup_uri
        return database

    def _cache(self) -> Cache:
        settings, aliases = self._args.settings, _engine_aliases(CACHE_TYPES)
        if "cache" in managed(settings):
            return self._managed.cache(self.context.child(aliases))
        return Redis(f"{self._name}-cache", self.context, settings.cache, aliases)

    def _messaging(self) -> Messaging:
        settings = self._args.settings
        return Nats(
            f"{self._name}-messaging",
            self.context,
            settings.messaging,
            seeds=topology.seeds(self._name, settings.primary_region),
            live=self._args.live,
            sites=self._args.sites,
            home=self._args.home.messaging if self._args.home else None,
        )

    def _streaming(self) -> Streaming:
        return Kafka(
            f"{self._name}-streaming",
            self.context,
            self._args.settings.streaming,
            zoned=self._args.base.cluster.zone_labels,
        )

    def _matching(self, database: Database | HomeDatabase, keda: Keda | None) -> DataServices:
        credentials = self._args.matching_credentials
        if credentials is None:
            return {}
        if isinstance(database, HomeDatabase):
            raise ValueError(f"matching: {self._name} has no database of its own")
        made = EmbeddingMatching(
            f"{self._name}-matching",
            self.context,
            self._args.settings.matching,
            database=database,
            credentials=credentials,
            keda=keda.release if keda else None,
            gpus=self._args.base.cluster.gpus,
        )
        return {"matching": made}

    def _ledger(self) -> DataServices:
        settings, members = self._args.settings, self._args.ledger
        if members is None:
            return {}
        made = CometBFT(
            f"{self._name}-ledger",
            self.context,
            settings.ledger,
            members=members,
            home=self._name == settings.primary_region,
        )
        return {"ledger": made}

    def _circles(self, cache: Cache) -> DataServices:
        args, settings = self._args, self._args.settings
        if args.circles is None:
            return {}
        by_cloud = "cache" in managed(settings)
        made = LiveKit(
            f"{self._name}-circles",
            self.context,
            settings.circles,
            access=args.circles,
            place=CirclesPlace(
                host=region_host(settings, self._name),
                addresses=args.circles_addresses,
                annotations=args.base.cluster.load_balancer_annotations,
                rooms=RoomCache(
                    cache=cache,
                    pods=None if by_cloud else taking_connections(settings.cache.replicas),
                    addresses=str(args.plan.addresses.managed) if by_cloud else None,
                ),
                edge=args.edge,
                certificates=self.certificates,
            ),
        )
        return {"circles": made}

    def _services(self) -> Services:
        settings = self._args.settings
        return Services(
            f"{self._name}-services",
            self.context,
            settings.running_services,
            values=self._service_values(),
            renderer=self._args.chart_renderer,
            # Also for the namespace, which holds the data services' connections.
            after=list(self.ready),
        )

    def _service_values(self) -> Mapping[str, Any] | None:
        settings = self._args.settings
        if settings.managed_by_argocd(self._name):
            return None
        return values_of(settings, self._args.plan, traced=self._traces is not None)

    def _keda(self) -> Keda | None:
        if self._scaling is None:
            return None
        scaled = (SERVICES, MATCHING) if self._args.settings.matching.enabled else (SERVICES,)
        return Keda(f"{self._name}-keda", self.context, scaled=scaled)

    def _scale(self, services: Services, keda: Keda | None) -> None:
        if self._scaling is None or keda is None:
            return
        ScaledServices(
            f"{self._name}-scaling",
            self.context,
            self._args.settings.running_services,
            plan=self._scaling,
            time_zone=self._args.plan.place.time_zone,
            keda=keda.release,
            after=services,
        )


def _engine_aliases(types: Sequence[str]) -> pulumi.ResourceOptions:
    """Alias every engine type, so that switching engines updates the connection Secret in place."""
    return pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=other) for other in types])


def _where(data_service: AnyDataService) -> dict[str, Any]:
    return {"host": data_service.host, "port": data_service.port, "secret": data_service.secret_name}


def _how_to_look(monitoring: Monitoring) -> dict[str, Any]:
    return {
        "grafana": monitoring.grafana_port_forward,
        "grafanaSecret": monitoring.grafana_secret_name,
        "jaeger": monitoring.jaeger_port_forward,
        "alerts": monitoring.alerts,
    }

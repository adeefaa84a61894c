"""What a person may write in stack.yaml about Flower and docker-compose."""

from typing import Annotated, Literal

from pydantic import Field

from stackgen.spec.containers import ExtraHost, ImageName, NetworkName, Processors, UserGroup
from stackgen.spec.names import AbsPath, DatasourceUid, EnvName, IpAddress, Slug, UrlPath
from stackgen.spec.part import ITEMS, SECTION, Part
from stackgen.spec.scalars import Bytes

Port = Annotated[int, Field(ge=1024, le=65535)]
"""A TCP port that a program without privileges may open."""


class BasicAuth(Part):
    """Where Flower finds who may log in. The passwords themselves never stand in stack.yaml."""

    users_env: EnvName | None = None
    """Environment variable with user:password, several separated by commas. Instead of `users_file`."""
    users_file: AbsPath | None = None
    """File with one user:password per line; /run/secrets/flower_basic_auth when there is no `users_env` either."""

    @property
    def file(self) -> str | None:
        """The file to read; None when the users are in the environment."""
        return None if self.users_env else self.users_file or "/run/secrets/flower_basic_auth"


class Flower(Part):
    """Flower, the web interface of Celery."""

    port: Port = 5555
    """Port that Flower listens on, from 1024."""
    address: IpAddress = "0.0.0.0"
    """Address that Flower listens on; inside a container it must be 0.0.0.0, and the container's port stays private."""
    url_prefix: UrlPath = ""
    """Path under which a reverse proxy serves Flower, such as /flower; every address moves, that of /metrics too."""
    basic_auth: Annotated[BasicAuth, SECTION] = BasicAuth.model_construct()
    """Where Flower finds who may log in; without users Flower does not start."""
    persistent: bool = True
    """Whether tasks that were seen survive a restart of Flower."""
    database: AbsPath = "/data/flower"
    """File in which Flower keeps them."""
    max_tasks: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000
    """Most tasks that Flower keeps in memory, from 100; 10,000 need about 20 MB."""


class GrafanaManaged(Part):
    """Rules that Grafana evaluates itself; only where `outputs` names grafana_managed."""

    datasource: DatasourceUid | None = None
    """UID of the Prometheus, Mimir or Thanos that is asked, and that records; absent means that of our own Grafana."""
    notifies: bool | None = None
    """Whether Grafana also tells people: contact points and policies made of `alerting`. Absent means that it does
    where no Alertmanager is routed, neither by alertmanager nor by kubernetes among `outputs`."""


class Ports(Part):
    """Ports of the host, on 127.0.0.1 only; a web interface is for the host's people or a reverse proxy."""

    prometheus: Port = 9090
    """Prometheus."""
    alertmanager: Port = 9093
    """Alertmanager."""
    grafana: Port = 3000
    """Grafana."""
    flower: Port = 5555
    """Flower."""
    kibana: Port = 5601
    """Kibana, in the profile `elk`."""
    loki: Port = 3100
    """Loki, in the profile `loki`."""


class Engine(Part):
    """The host's container engine, for cAdvisor."""

    data: AbsPath = "/var/lib/docker"
    """Its folder: `docker info --format '{{.DockerRootDir}}'`."""
    socket: AbsPath = "/var/run/docker.sock"
    """Its socket, which tells cAdvisor the names of containers."""


class ServiceSpec(Part):
    """What is different for one service on this host."""

    image: ImageName | None = None
    """Its image's name without the tag, such as one in a mirror: mirror.example.com/prom/prometheus."""
    cpus: Processors | None = None
    """The most processors it may use, in quotes; absent means the file's own limit."""
    memory: Bytes | None = None
    """The most memory it may use, such as 2GiB; absent means the file's own limit."""
    user: UserGroup | None = None
    """uid:gid it runs as, such as those that own the log files of the host."""
    networks: Annotated[list[NetworkName], ITEMS] = []
    """Further networks it joins, made by others, such as that of a broker in another compose project."""
    extra_hosts: Annotated[list[ExtraHost], ITEMS] = []
    """Names it can resolve, such as host.docker.internal:host-gateway for workers on this machine."""


class Compose(Part):
    """The generated docker-compose.yml. A compose.override.yml of yours beside it is read too, and never written."""

    project: Slug | None = None
    """Name of the project, in which containers and volumes begin; absent means the stack's name, its environment and
    -monitoring, such as shop-production-monitoring."""
    selinux: bool = False
    """Whether the generated files are labelled for SELinux when they are mounted; label the secrets yourself:
    chcon -Rt container_file_t .secrets"""
    services: Annotated[dict[str, Annotated[ServiceSpec, SECTION]], SECTION] = {}
    """What is different on this host: service, then settings."""
    ports: Annotated[Ports, SECTION] = Ports.model_construct()
    """Ports of the host, on 127.0.0.1 only."""
    engine: Annotated[Engine, SECTION] = Engine.model_construct()
    """The host's container engine, for cAdvisor."""
    retention: Literal["7d", "15d", "30d", "90d"] = "15d"
    """How long Prometheus keeps its data."""

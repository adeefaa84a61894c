"""What a person may write in stack.yaml about the message broker, and the part of it that is this stack's."""

from typing import Annotated, Literal

from pydantic import Field

from stackgen.spec.names import AbsPath, EnvName, KeyPrefix, KeySeparator, MasterName, SecretPath, VirtualHost
from stackgen.spec.part import SECTION, Part


class BrokerTls(Part):
    """Files for TLS to the broker, where containers find them; the address then begins with rediss:// or amqps://."""

    ca_file: SecretPath | None = None
    """Certificate of the authority that signed the broker's (PEM); absent means those that the system trusts."""
    cert_file: SecretPath | None = None
    """Certificate with which programs of ours show who they are (PEM), where the broker asks for one."""
    key_file: SecretPath | None = None
    """Private key of `cert_file` (PEM)."""
    verify: bool = True
    """Whether the broker's certificate is checked; false is for trying out only."""


class TransportOptions(Part):
    """Celery's broker_transport_options, as far as others must know them to find the same queues and events."""

    global_keyprefix: KeyPrefix = ""
    """Text in front of every key of Redis, such as shop: with its colon."""
    master_name: MasterName | None = None
    """Name of the master that Sentinel knows; the address then begins with sentinel://."""
    priority_steps: Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=1)] | None = None
    """Priorities that have a list of their own on Redis; absent means 0, 3, 6 and 9, as in Celery."""
    sep: KeySeparator | None = None
    """Text between a queue's name and the priority in the name of such a list; absent means Celery's own."""
    fanout_prefix: bool = True
    """Whether events and remote control are kept apart by database."""
    fanout_patterns: bool = True
    """Whether workers receive only the events that they ask for."""


class Broker(Part):
    """The message broker, where programs find its address, and the part of it that is this stack's.

    The address itself never stands here.
    """

    kind: Literal["redis", "rabbitmq"]
    """Which broker it is."""
    url_env: EnvName | None = None
    """Environment variable that holds the broker's address; CELERY_BROKER_URL when there is no `url_file` either."""
    url_file: AbsPath | None = None
    """File with the broker's address, such as a mounted secret. `docker inspect` shows no file. Not with `url_env`."""
    priorities: bool = False
    """Whether tasks are sent with priorities; on Redis each priority is a list of its own, and all are added up."""
    database: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Redis: number of the database, as at the end of the address. Absent: the exporter of Redis looks into 0, and is
    believed only where no other source sees more."""
    cluster: bool = False
    """Redis: whether it is a Redis Cluster, which Celery's own transport does not know; the application brings one."""
    vhost: VirtualHost | None = None
    """RabbitMQ: the virtual host, such as / or shop; absent means the queues of every one."""
    transport_options: Annotated[TransportOptions, SECTION] = TransportOptions.model_construct()
    """Redis: the application's broker_transport_options, as far as others must know them."""
    tls: BrokerTls | None = None
    """How programs of ours speak TLS to the broker; absent means as the address alone says."""

    @property
    def env(self) -> str | None:
        """The environment variable to use; None when the address is in a file."""
        return None if self.url_file else self.url_env or "CELERY_BROKER_URL"

"""The section `alerting` of stack.yaml: who is told of which alert, how often, and when not."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from stackgen.catalog.signal import Severity
from stackgen.spec.names import AbsPath, HostPort, LabelName, OwnerName, QueueName, Slug, Url
from stackgen.spec.part import Part
from stackgen.spec.scalars import Duration, between

NOBODY = "nobody"
"""The receiver without integrations; it is always there."""
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _none_is(empty: object) -> Any:
    """A section whose lines are all commented out is an empty section."""
    return lambda value: empty if value is None else value


class PagerDuty(Part):
    """PagerDuty, Events API v2."""

    routing_key_file: AbsPath
    """File that holds the integration key, such as a mounted secret."""


class Slack(Part):
    """A Slack channel."""

    api_url_file: AbsPath
    """File that holds the incoming webhook's address, which is a secret."""
    channel: str
    """Channel in quotes, such as "#celery"."""


class Email(Part):
    """Mail through an SMTP server."""

    to: str
    """Address, or several with commas between them."""
    sender: str = Field(alias="from")
    """Address that the mail comes from."""
    smarthost: HostPort
    """SMTP server, host:port."""
    username: str | None = None
    """Name to log in with; needs `password_file`."""
    password_file: AbsPath | None = None
    """File that holds the password."""
    require_tls: bool = True
    """Whether the server must offer STARTTLS."""


class Webhook(Part):
    """Any program that takes Alertmanager's JSON by HTTP POST."""

    url: Url | None = None
    """Address without user, password or token."""
    url_file: AbsPath | None = None
    """File that holds the address, when the address is a secret. Instead of `url`."""


class MsTeams(Part):
    """A Microsoft Teams workflow; needs Alertmanager 0.28 or newer."""

    webhook_url_file: AbsPath
    """File that holds the workflow's address, which is a secret."""


class OpsGenie(Part):
    """Opsgenie."""

    api_key_file: AbsPath
    """File that holds the API key."""


class Receiver(Part):
    """Who is told, by one or more ways at once. Secrets are files, never values."""

    pagerduty: PagerDuty | None = None
    """PagerDuty, Events API v2."""
    slack: Slack | None = None
    """A Slack channel."""
    email: Email | None = None
    """Mail through an SMTP server."""
    webhook: Webhook | None = None
    """Any program that takes Alertmanager's JSON by HTTP POST."""
    msteamsv2: MsTeams | None = None
    """A Microsoft Teams workflow; needs Alertmanager 0.28 or newer."""
    opsgenie: OpsGenie | None = None
    """Opsgenie."""


class Told(Part):
    """Receiver by severity; the name of a receiver alone is short for all three."""

    info: Slug | None = None
    """Receiver of severity info."""
    warning: Slug | None = None
    """Receiver of severity warning."""
    critical: Slug | None = None
    """Receiver of severity critical."""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: object) -> object:
        return {"info": value, "warning": value, "critical": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """What editors see: the name of a receiver, or a mapping."""
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(schema))]}

    def receiver(self, severity: Severity) -> str | None:
        """The receiver of one severity, where it is named."""
        return {"info": self.info, "warning": self.warning, "critical": self.critical}[severity]


class Timing(Part):
    """How alerts of one severity are gathered into messages, in Alertmanager's own words."""

    group_by: Annotated[list[LabelName], Field(min_length=1)] | None = None
    """Alerts that agree in these labels share one message; absent: stack, environment, those of `stack.copies`,
    alertname, queue, task, source."""
    group_wait: Annotated[Duration, between("0s", "1h")] | None = None
    """How long the first message of a group waits for further alerts; absent means 30s."""
    group_interval: Annotated[Duration, between("10s", "1d")] | None = None
    """Least time between two messages about a group that changed; absent means 5m."""
    repeat_interval: Annotated[Duration, between("1m", "119h")] | None = None
    """Time after which an unchanged group is told again; absent means 1h, 4h, 1d for critical, warning, info."""


class Timings(Part):
    """Timing by severity."""

    info: Timing = Timing.model_construct()
    """Timing of severity info."""
    warning: Timing = Timing.model_construct()
    """Timing of severity warning."""
    critical: Timing = Timing.model_construct()
    """Timing of severity critical."""

    def timing(self, severity: Severity) -> Timing:
        """What is written for one severity."""
        return {"info": self.info, "warning": self.warning, "critical": self.critical}[severity]


class Mute(Part):
    """A time in which some alerts are not told. They still fire, and are told afterwards if they still do."""

    name: Slug
    """Short name, such as night."""
    weekdays: Annotated[list[Weekday], Field(min_length=1)] | None = None
    """Days on which it holds; absent means every day."""
    times: Annotated[list[str], Field(min_length=1)] | None = None
    """Times of those days in quotes, such as "00:00-06:00"; absent means all day."""
    location: str = "UTC"
    """Time zone of the times, such as Europe/Berlin."""
    severities: Annotated[list[Severity], Field(min_length=1)] = ["info", "warning"]
    """Severities that are muted. Critical is muted only where it is named here."""
    owners: Annotated[list[OwnerName], Field(min_length=1)] | None = None
    """Only alerts of these owners; absent means all."""
    queues: Annotated[list[QueueName], Field(min_length=1)] | None = None
    """Only alerts about these queues; absent means all alerts."""


class Alerting(Part):
    """Who is told of which alert, how often, and when not."""

    receivers: Annotated[
        dict[Slug, Receiver], BeforeValidator(_none_is({}), json_schema_input_type=dict[Slug, Receiver] | None)
    ] = {}
    """Who can be told: name, then ways. `nobody` is always there and tells nobody."""
    default: Told = Told.model_construct()
    """Receiver of every alert that nothing below sends elsewhere: one name, or one per severity; absent: nobody."""
    owners: Annotated[
        dict[OwnerName, Told], BeforeValidator(_none_is({}), json_schema_input_type=dict[OwnerName, Told] | None)
    ] = {}
    """Other receivers for alerts of an owner; severities that are not named follow `default`."""
    queues: Annotated[
        dict[QueueName, Told], BeforeValidator(_none_is({}), json_schema_input_type=dict[QueueName, Told] | None)
    ] = {}
    """Other receivers for alerts about a queue; severities that are not named follow the queue's owner."""
    watchdog: Slug = NOBODY
    """Receiver of CeleryWatchdog, which always fires: a dead man's switch that calls when it stops. Told every 5m."""
    timing: Annotated[Timings, BeforeValidator(_none_is({}), json_schema_input_type=Timings | None)] = (
        Timings.model_construct()
    )
    """How alerts are gathered into messages, by severity."""
    mute: Annotated[list[Mute], BeforeValidator(_none_is([]), json_schema_input_type=list[Mute] | None)] = []
    """Times in which some alerts are not told; never critical ones unless that is said."""


AlertingSection = Annotated[Alerting, BeforeValidator(_none_is({}), json_schema_input_type=Alerting | None)]
"""The section, which may be empty."""

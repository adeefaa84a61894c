"""What a person may write in stack.yaml about the workers' logs: who reads them, and where they go."""

from typing import Annotated, Literal

from pydantic import Field

from stackgen.spec.names import (
    AbsPath,
    AwsRegion,
    EnvName,
    LogGlob,
    LogGroup,
    LoginName,
    MetricNamespace,
    SecretPath,
    TenantId,
    TopicArn,
    Url,
)
from stackgen.spec.part import SECTION, Part
from stackgen.spec.scalars import Duration, between, whole_days

ELK_FOLDER = "/run/elk"
"""Where the profile `elk` keeps its certificate authority and the API key of its shippers."""
Shipper = Literal["filebeat", "alloy", "cloudwatch"]
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""Days that CloudWatch Logs can keep lines: the values of PutRetentionPolicy."""


class Elasticsearch(Part):
    """The Elasticsearch that Filebeat sends to."""

    hosts: Annotated[list[Url], Field(min_length=1)] = ["https://elasticsearch:9200"]
    """Addresses of the cluster. The default is the single node of docker-compose's profile `elk`."""
    api_key_env: EnvName = "ELASTICSEARCH_API_KEY"
    """Environment variable in which the shipper finds the API key, as id:key."""
    ca_file: SecretPath | None = None
    """File with the certificate authority of the cluster, such as /run/secrets/es_ca; absent: a public one."""
    retention: Annotated[Duration, between("1d", "3650d")] = Duration.of("30d")
    """How long lines are kept, from 1d."""

    @property
    def bundled(self) -> bool:
        """Whether this is the node of docker-compose's profile `elk`."""
        return self.hosts == ["https://elasticsearch:9200"]

    @property
    def authority(self) -> str | None:
        """The file with the certificate authority; None for a public one."""
        return self.ca_file or (f"{ELK_FOLDER}/ca.crt" if self.bundled else None)


class Loki(Part):
    """The Loki that Alloy sends to."""

    url: Url = "http://loki:3100"
    """Its address, without /loki/api/v1. The default is the single Loki of docker-compose's profile `loki`."""
    tenant: TenantId | None = None
    """Tenant to write as and to read from, where Loki has several; absent: Loki has one only."""
    user: LoginName | None = None
    """User to log in as, with the password of `password_file`."""
    password_file: SecretPath | None = None
    """File with the password of `user`, such as /run/secrets/loki_password."""
    token_file: SecretPath | None = None
    """File with a bearer token, such as /run/secrets/loki_token. Instead of `user`."""
    ca_file: SecretPath | None = None
    """File with the certificate authority of Loki, such as /run/secrets/loki_ca; absent: a public one."""
    retention: Annotated[Duration, between("1d", "3650d"), whole_days()] = Duration.of("30d")
    """How long the Loki of docker-compose keeps lines, in whole days, from 1d; another Loki has its own setting."""

    @property
    def bundled(self) -> bool:
        """Whether this is the Loki of docker-compose's profile `loki`."""
        return self.url == "http://loki:3100"

    @property
    def login(self) -> dict[str, str]:
        """What stack.yaml says about who logs in, by key."""
        said = {
            "user": self.user,
            "password_file": self.password_file,
            "token_file": self.token_file,
            "tenant": self.tenant,
        }
        return {key: value for key, value in said.items() if value is not None}


class CloudWatch(Part):
    """The log group that the CloudWatch agent sends to, and the alarms on it."""

    region: AwsRegion | None = None
    """Region such as eu-central-1; absent: that of the machine or of AWS_REGION."""
    log_group: LogGroup | None = None
    """Log group; absent means celery/ with the stack's name and environment, such as celery/shop/production."""
    retention_days: RetentionDays = 30
    """How many days lines are kept."""
    namespace: MetricNamespace | None = None
    """Namespace of the metrics made of lines; absent means Celery/ with the stack's name and environment."""
    alarm_topic: TopicArn | None = None
    """ARN of the SNS topic that alarms are sent to; absent: they show in CloudWatch, and nobody is told."""
    credentials_file: AbsPath | None = None
    """AWS credentials file with the profile AmazonCloudWatchAgent; absent: the role of EC2, with a hop limit of 2."""


class Logs(Part):
    """Where the workers' logs are read and sent."""

    shippers: Annotated[list[Shipper], Field(min_length=1)]
    """Programs that send the logs: filebeat to Elasticsearch, alloy to Loki, cloudwatch to Amazon CloudWatch."""
    path: LogGlob = "/var/log/celery/*.log"
    """Files with one JSON object per line, as the shipper sees them. Lines of other programs are kept as text:
    fields of theirs could clash with ours, or with each other, and Elasticsearch would refuse one of the two."""
    host_folder: AbsPath | None = None
    """Folder of the host that holds them; absent means docker-compose's volume celery-logs, which workers share."""
    elasticsearch: Annotated[Elasticsearch, SECTION] = Elasticsearch.model_construct()
    """The Elasticsearch that Filebeat sends to."""
    loki: Annotated[Loki, SECTION] = Loki.model_construct()
    """The Loki that Alloy sends to."""
    cloudwatch: Annotated[CloudWatch, SECTION] = CloudWatch.model_construct()
    """The log group that the CloudWatch agent sends to, and the alarms on it."""

    @property
    def stays_inside(self) -> bool:
        """Whether Filebeat and Alloy send to backends of docker-compose; the CloudWatch agent has a way of its own."""
        theirs = {"filebeat": not self.elasticsearch.bundled, "alloy": not self.loki.bundled}
        return not any(theirs.get(shipper, False) for shipper in self.shippers)

    @property
    def folder(self) -> str:
        """The folder of `path`."""
        return self.path.rpartition("/")[0]

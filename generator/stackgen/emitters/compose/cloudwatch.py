"""The profile `cloudwatch`: the CloudWatch agent, which needs an account of AWS and a way out to it.

What its container reads and writes was read in its source at 1.300071 (cmd/start-amazon-cloudwatch-agent,
translator/util/sdkutil.go) and not seen to run: configuration from /etc/cwagentconfig, credentials outside of EC2 from
the profile AmazonCloudWatchAgent of /root/.aws/credentials, how far it has read in `logs/state`; {local_hostname} is
the system's (translator/translate/util/placeholderUtil.go), and a role takes two hops (plugins/processors/ec2tagger).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stackgen.catalog.launch import SCRATCH, Limits, Mount
from stackgen.emitters.compose.parts import Service, log_files, pinned
from stackgen.emitters.compose.secrets import aws_secrets
from stackgen.resolve.plan import Plan
from stackgen.spec.logs import Logs

REGION = "AWS_REGION"
_FILE = "amazon-cloudwatch-agent.json"
_HOME = "/opt/aws/amazon-cloudwatch-agent"
_ROOT = (
    "what it has read stands in a volume that belongs to root; it has no capabilities, and reads logs as the group 1000"
)

_HOPS = (
    "On EC2 a container is one hop further from the machine's role: "
    "aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2 --instance-id ID"
)
_STREAM = (
    "Streams are named after the container's hostname, its id: a new container begins new ones. "
    "hostname in a compose.override.yml keeps the name."
)


def services(plan: Plan, logs: Logs) -> Iterator[Service]:
    """The agent."""
    image, seen = pinned("cloudwatch-agent", plan.site.tags)
    yield Service(
        name="cloudwatch-agent",
        why="Sends the workers' logs to Amazon CloudWatch; logs/cloudwatch/cloudformation.yaml comes first.",
        image=image,
        seen=seen,
        profiles=("cloudwatch",),
        user="0:1000",
        environment={"HOME": "/root", **_region(logs)},
        mounts=(
            Mount("bind", f"./logs/cloudwatch/{_FILE}", f"/etc/cwagentconfig/{_FILE}"),
            log_files(logs),
            Mount("volume", "cloudwatch-agent", f"{_HOME}/logs", read_only=False),
        ),
        secrets=aws_secrets(plan),
        networks=("outside",),
        tmpfs=("/tmp", f"{_HOME}/etc", f"{_HOME}/var"),
        exceptions={"health": SCRATCH, "user": _ROOT},
        notes=(_STREAM,) if logs.cloudwatch.credentials_file else (_HOPS, _STREAM),
        limits=Limits("0.5", "256M"),
    )


def variables(logs: Logs) -> list[dict[str, str]]:
    """What .env may say for the agent."""
    why = "Region of AWS, for the CloudWatch agent; empty on EC2, where the machine knows it."
    return [{"why": why, "name": name, "value": ""} for name in _region(logs)]


def _region(logs: Logs) -> Mapping[str, str]:
    return {} if logs.cloudwatch.region else {REGION: f"${{{REGION}:-}}"}

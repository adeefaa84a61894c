"""The texts of stack.yaml about containers, one type each."""

from __future__ import annotations

from typing import Annotated

from stackgen.spec.names import like

ImageName = Annotated[
    str,
    like(
        "image-name",
        r"([a-z0-9.-]+(:[0-9]{1,5})?/)?[a-z0-9._-]+(/[a-z0-9._-]+)*",
        "an image's name without its tag, such as mirror.example.com/prom/prometheus",
        "the tag stands under versions",
    ),
]
"""The name of a container image, with its registry and without its tag."""

Processors = Annotated[
    str,
    like("cpus", r"(?!0(\.0*)?$)[0-9]{1,3}(\.[0-9]{1,2})?", 'a number of processors such as "0.5"', "put it in quotes"),
]
"""How many processors a container may use."""

UserGroup = Annotated[
    str, like("container-user", r"[0-9]{1,9}:[0-9]{1,9}", 'uid:gid such as "1000:1000"', "numbers, in quotes")
]
"""The user and group a container runs as."""

_NETWORK_SAID = "the name of a network that exists, such as shop_default"
NetworkName = Annotated[
    str, like("network-name", r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", _NETWORK_SAID, "`docker network ls` shows them")
]
"""A network of docker that others made."""

ExtraHost = Annotated[
    str,
    like(
        "extra-host",
        r"[A-Za-z0-9.-]{1,200}:(host-gateway|[0-9]{1,3}(\.[0-9]{1,3}){3}|\[[0-9a-f:]+\])",
        "name:address, such as host.docker.internal:host-gateway",
        "host-gateway stands for this machine",
    ),
]
"""A name that a container can resolve, and its address."""

"""What every mapping of stack.yaml is, whichever section it stands in."""

from __future__ import annotations

from pydantic import BaseModel, BeforeValidator, ConfigDict

# A section whose lines are all commented out is an empty section.
SECTION = BeforeValidator(lambda value: {} if value is None else value)
ITEMS = BeforeValidator(lambda value: [] if value is None else value)


class Part(BaseModel):
    """A mapping of stack.yaml: nothing is converted silently, no key is ignored, nothing changes later.

    Only the validator of the whole file is ever built: a default that is a Part comes from `model_construct`, because a
    call would build the validator of that Part alone. For the same reason the modules of the models do without
    `from __future__ import annotations`: Pydantic would compile each annotation again.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

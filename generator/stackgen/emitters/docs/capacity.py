"""docs/capacity.md: what one Prometheus needs for the rules of a stack, as measured."""

from __future__ import annotations

from stackgen.catalog import cost
from stackgen.resolve.site import BUCKET_BOUNDS


def context() -> dict[str, object]:
    """What templates/docs/capacity.md.j2 prints."""
    return {
        "each": cost.each(len(BUCKET_BOUNDS)),
        "each_second": round(float(cost.SECONDS) * 1e6),
        "rows": [{"series": f"{one.series:,}", **one.words} for one in cost.MEASURED],
    }

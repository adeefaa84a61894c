"""Each chapter of the live proof is a stack that can be generated, with every alert that its scenarios wait for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.chapters import CHAPTERS, Chapter
from tests.live.prepare import prepared


@pytest.mark.slow
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: f"{chapter.name}-{chapter.kind}")
def test_a_chapter_has_the_alerts_that_its_scenarios_wait_for(chapter: Chapter, tmp_path: Path) -> None:
    plan = prepared(tmp_path, chapter).stage.prepared.plan

    judged = {(alert.signal.alert, alert.severity) for alert in plan.alerts}
    waited = [one for batch in chapter.batches for s in batch for one in (*s.expected, *s.also)]

    assert [str(one) for one in waited if (one.alert, one.severity) not in judged] == []
    assert len(waited) >= len([s for batch in chapter.batches for s in batch if s.expected]) > 2


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: f"{chapter.name}-{chapter.kind}")
def test_a_chapter_ends_with_a_healthy_hour(chapter: Chapter) -> None:
    hours = [s for batch in chapter.batches if len(batch) == 1 for s in batch if s.ends]

    assert hours[-1].hour
    assert hours[-1].expected == ()

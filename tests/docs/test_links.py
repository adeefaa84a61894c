"""Links are followed: in generated pages, in alerts, and in the pages that people write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stackgen.verify.files import links
from tests.docs.conftest import REPOSITORY, Pages


def test_generated_links_lead_somewhere(pages: Pages) -> None:
    assert [str(problem) for problem in links.of_files(pages.files, pages.plan)] == []


@pytest.mark.parametrize("name", ["README.md", "DESIGN.md", "CHANGELOG.md"])
def test_links_of_written_pages_lead_somewhere(name: str, guide_pages: Pages) -> None:
    root = {path.name: path.read_text() for path in REPOSITORY.glob("*.*") if path.suffix in (".md", ".yaml", ".toml")}
    output = {f"output/{path}": text for path, text in guide_pages.files.items()}
    found = links.in_pages({name: root[name], **root, "Makefile": "", **_sources(), **output})
    assert [str(problem) for problem in found if problem.mark.file == name] == []


def _sources() -> dict[str, str]:
    folders = ("generator", "templates", "tests", "bench")
    paths = (path for folder in folders for path in (REPOSITORY / folder).rglob("*") if path.is_file())
    return {path.relative_to(REPOSITORY).as_posix(): "" for path in paths}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a](missing.md)", "there is no file docs/missing.md"),
        ("[a](../missing.md)", "there is no file missing.md"),
        ("[a](b.md#nowhere)", "docs/b.md has no heading #nowhere"),
        ("[a](#nowhere)", "docs/a.md has no heading #nowhere"),
        ("| [a](missing.md) | `[b](c.md)` |", "there is no file docs/missing.md"),
        ("[a\\]b](missing.md)", "there is no file docs/missing.md"),
        ("```\n## Nowhere\n```\n[a](#nowhere)", "docs/a.md has no heading #nowhere"),
        ("# Twice\n# Twice\n[a](#twice-2)", "docs/a.md has no heading #twice-2"),
    ],
)
def test_a_dead_link_is_found(text: str, message: str) -> None:
    found = links.in_pages({"docs/a.md": text, "docs/b.md": "# Here\n"})
    assert [("dead-link", message)] == [(problem.rule, problem.message) for problem in found]


@pytest.mark.parametrize(
    "text",
    [
        "[a](b.md)",
        "[a](../docs/b.md#here-it-is)",
        "[a](../docs)",
        "[a](https://example.com/x.md#y)",
        "# Twice\n# Twice\n[a](#twice-1)",
        "# The `code`, and *more*!\n[a](#the-code-and-more)",
        "# Keys of stack.yaml\n[a](#keys-of-stackyaml)",
        "`[a](missing.md)`",
        "``[a](`missing.md)``",
        "\\[a](missing.md)",
        "```\n[a](missing.md)\n```",
        "````\n```\n[a](missing.md)\n````",
    ],
)
def test_a_living_link_and_what_is_no_link_pass(text: str) -> None:
    assert links.in_pages({"docs/a.md": text, "docs/b.md": "# Here it is\n"}) == []


def test_a_missing_runbook_is_found(guide_pages: Pages) -> None:
    files = {path: text for path, text in guide_pages.files.items() if path != "runbooks/CeleryQueueBacklog.md"}
    found = [problem for problem in links.of_files(files, guide_pages.plan) if problem.rule == "dead-runbook"]
    assert {"CeleryQueueBacklog (warning)", "CeleryQueueBacklog (critical)"} == {problem.where for problem in found}


def test_a_missing_dashboard_is_found(guide_pages: Pages) -> None:
    files = {path: text for path, text in guide_pages.files.items() if not path.endswith("/celery-queues.json")}
    found = [problem for problem in links.of_files(files, guide_pages.plan) if problem.rule == "dead-dashboard"]
    assert "CeleryQueueBacklog (critical)" in {problem.where for problem in found}
    assert all("celery-queues" in problem.message for problem in found)


def test_pages_that_are_switched_off_are_not_missed(guide_pages: Pages) -> None:
    spec = guide_pages.plan.spec.model_copy(update={"outputs": ["prometheus"]})
    plan = replace(guide_pages.plan, spec=spec)
    files = {path: text for path, text in guide_pages.files.items() if path.startswith("prometheus/")}
    assert links.of_files(files, plan) == []


def test_the_problem_says_where(tmp_path: Path) -> None:
    del tmp_path
    found = links.in_pages({"docs/a.md": "# A\n\n[a](missing.md)\n"})
    assert list(map(str, found)) == ["docs/a.md:3:1: error[dead-link]: missing.md: there is no file docs/missing.md"]

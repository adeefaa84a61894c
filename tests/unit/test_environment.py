"""The environment quotes, refuses and remembers; and our templates keep to layout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, TemplateError, nodes

from stackgen.artefact import Artefact, Rendered, Syntax
from stackgen.render.environment import RenderError, render, templates_dir


def _render(folder: Path, syntax: Syntax, template: str, **context: object) -> Rendered:
    (folder / "t.j2").write_text(template)
    return render(Artefact(path="out", template="t.j2", syntax=syntax, context=context), folder)


@pytest.mark.parametrize(
    ("syntax", "template", "expected"),
    [
        ("yaml", "k: {{ x }}\n", "k: 'a \"b\": {{ $v }} <&>'\n"),
        ("json", '{"k": {{ x }}}', '{\n  "k": "a \\"b\\": {{ $v }} <&>"\n}\n'),
        ("python", "k = {{ x }}\n", "k = 'a \"b\": {{ $v }} <&>'\n"),
        ("markdown", "{{ x }}\n", 'a "b": {{ $v }} \\<&\\>\n'),
        ("text", "K={{ x | dotenv }}\n", "K='a \"b\": {{ $v }} <&>'\n"),
        ("text", "k = {{ x | alloy }}\n", 'k = "a \\"b\\": {{ $v }} <&>"\n'),
        ("yaml", "# {{ x | comment }}\n", '# a "b": {{ $v }} <&>\n'),
    ],
)
def test_every_language_is_quoted_in_its_own_way(tmp_path: Path, syntax: Syntax, template: str, expected: str) -> None:
    assert _render(tmp_path, syntax, template, x='a "b": {{ $v }} <&>').text == expected


def test_ink_holds_every_printed_value_but_comments(tmp_path: Path) -> None:
    template = (
        "{% macro m(v) %}{{ v }}{% endmacro %}# {{ a | comment }}\nk: {{ m(b) }}\nl: {{ c | block(2) }}\nm: {{ d }}\n"
    )
    assert _render(tmp_path, "yaml", template, a="no", b="b", c="c", d=[1, None]).ink == ("b", "c", [1, None])


def test_block_tags_leave_no_trace(tmp_path: Path) -> None:
    template = "a:\n  {% for x in xs %}\n  - {{ x }}\n  {% if not loop.last %}\n\n  {% endif %}\n  {% endfor %}\n"
    assert _render(tmp_path, "yaml", template, xs=[1, 2]).text == "a:\n  - 1\n\n  - 2\n"


@pytest.mark.parametrize(
    ("syntax", "template"),
    [
        ("yaml", "{{ missing }}"),
        ("yaml", "{{ x.missing }}"),
        ("yaml", "{{ x if none is not none }}"),
        ("yaml", "{% for a in missing %}{% endfor %}"),
        ("yaml", "{% if missing %}{% endif %}"),
        ("yaml", "{{ missing | comment }}"),
        ("yaml", "{{ x | safe }}"),
        ("yaml", "{{ x | tojson }}"),
        ("yaml", "{{ x | default(1) }}"),
        ("yaml", "{{ x | block(2) | comment }}"),
        ("yaml", "{{ range(3) }}"),
        ("yaml", "{{ x.upper }}"),
        ("yaml", "{% if x is defined %}{% endif %}"),
        ("yaml", "{% broken"),
        ("text", "{{ x }}"),
        ("json", '{"a": 1, "a": 2}'),
        ("json", "[1,]"),
    ],
)
def test_what_could_go_wrong_silently_is_refused(tmp_path: Path, syntax: Syntax, template: str) -> None:
    with pytest.raises(RenderError, match=r"^out, from templates/t.j2"):
        _render(tmp_path, syntax, template, x="x")


def test_an_error_names_the_line_in_the_innermost_template(tmp_path: Path) -> None:
    (tmp_path / "_m.j2").write_text("{% macro m(v) %}\n\n{{ v.missing }}{% endmacro %}")
    with pytest.raises(RenderError, match=r"^out, from templates/_m.j2:3: .*missing"):
        _render(tmp_path, "yaml", '{% from "_m.j2" import m %}\n{{ m(x) }}\n', x="x")


@pytest.mark.parametrize(
    ("syntax", "macro", "start"),
    [("yaml", "header", "# Gen"), ("markdown", "markdown_header", "<!-- Gen"), ("text", "slash_header", "// Gen")],
)
def test_header_is_one_line_that_says_what_to_do(tmp_path: Path, syntax: Syntax, macro: str, start: str) -> None:
    shared = tmp_path / "_shared"
    shared.mkdir()
    (shared / "header.j2").write_text((templates_dir() / "_shared" / "header.j2").read_text())
    text = _render(tmp_path, syntax, f'{{% from "_shared/header.j2" import {macro} %}}\n{{{{ {macro}() }}}}\nx\n').text
    assert text.splitlines()[0].startswith(start)
    assert "change stack.yaml and run stackgen generate" in text.splitlines()[0]
    assert text.splitlines()[1:] == ["x"]


# Laws of our own templates, read from Jinja's syntax tree.

_LOGIC = (
    *(nodes.Compare, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Neg),
    *(nodes.Concat, nodes.Assign, nodes.AssignBlock, nodes.Slice, nodes.Include, nodes.Extends, nodes.MarkSafe),
)
_FILTERS = {"block", "lines", "comment", "dotenv", "alloy", "code", "fence", "link", "prose", "source"}
# What may touch a value: white space; a list's or pair's marks in JSON and Alloy; `NAME=` in dotenv; prose in Markdown.
_BEFORE = {"json": r"[\s\[{,:]$", "text": r"[\s\[{,=(]$", "python": r"[\s\[({,=*]$", "yaml": r"\s$", "md": r""}
_AFTER = {"json": r"[\s\]},:]", "text": r"[\s\]},)]", "python": r"[\s\])},:.]", "yaml": r"\s|:\s", "md": r""}
_LANGUAGES = {".json.j2": "json", ".yml.j2": "yaml", ".yaml.j2": "yaml", ".md.j2": "md", ".py.j2": "python"}


def _language(name: str) -> str:
    return next((language for end, language in _LANGUAGES.items() if name.endswith(end)), "text")


def _faults(name: str, source: str) -> Iterator[str]:
    """What a template does that only Python may do."""
    tree = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).parse(source)
    for node in tree.find_all(_LOGIC):
        yield f"{node.lineno}: {type(node).__name__} belongs into Python"
    for choice in tree.find_all(nodes.CondExpr):
        yield f"{choice.lineno}: inline if: choose the value in Python"
    for used in tree.find_all(nodes.Filter):
        if used.name not in _FILTERS:
            yield f"{used.lineno}: filter {used.name} is not ours"
    for output in tree.find_all(nodes.Output):
        yield from _glue(output, _language(name))
    if name.rpartition("/")[2].startswith("_") and not source.startswith("{#"):
        yield "1: a macro file starts with a comment that names its macros and their arguments"
    if re.search(r"\{[{%]", source) and len(source.splitlines()) > 60:
        yield "61: a template has 60 lines at most"
    if re.search(r"\{%-|-%\}|\{\{-|-\}\}", source):
        yield "0: white space control: the block stands in the wrong place"


def _glue(output: nodes.Output, language: str) -> Iterator[str]:
    parts = output.nodes
    for before, value, after in zip([None, *parts], parts, [*parts[1:], None], strict=False):
        if isinstance(value, nodes.TemplateData | nodes.Call):
            continue  # text, or a macro, whose own values are judged where they are printed
        if isinstance(value, nodes.Const):
            yield f"{value.lineno}: a constant is layout, write it outside of {{{{ }}}}"
        if isinstance(before, nodes.TemplateData) and not re.search(_BEFORE[language], before.data):
            yield f"{value.lineno}: text glued before a value: {before.data[-10:]!r}"
        if isinstance(after, nodes.TemplateData) and not re.match(_AFTER[language], after.data):
            yield f"{value.lineno}: text glued after a value: {after.data[:10]!r}"


TEMPLATES = sorted(path.relative_to(templates_dir()).as_posix() for path in templates_dir().rglob("*.j2"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_our_templates_are_layout_only(name: str) -> None:
    assert list(_faults(name, (templates_dir() / name).read_text())) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.yml.j2", "{% set a = 1 %}"),
        ("a.yml.j2", "{{ a + 1 }}"),
        ("a.yml.j2", "{{ a ~ b }}"),
        ("a.yml.j2", "{% if a > 1 %}{% endif %}"),
        ("a.yml.j2", "k: {{ a if b else c }}\n"),
        ("a.yml.j2", "k: {{ a | safe }}\n"),
        ("a.yml.j2", "k: {{ a | default(1) }}\n"),
        ("a.yml.j2", 'k: "{{ a }}"\n'),
        ("a.yml.j2", "k: celery-{{ a }}\n"),
        ("a.yml.j2", "k: {{ a }}:9090\n"),
        ("a.yml.j2", "k: [{{ a }}]\n"),
        ("a.json.j2", '{"k": "{{ a }}"}'),
        ("a.yml.j2", 'k: {{ "," }}\n'),
        ("a.yml.j2", "{%- if a %}{% endif %}"),
        ("_a.yml.j2", "{% macro a() %}{% endmacro %}"),
        ("a.yml.j2", "a: {{ x }}\n" * 61),
    ],
)
def test_the_law_sees_logic_in_a_template(name: str, source: str) -> None:
    assert list(_faults(name, source))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.yml.j2", "{% for k, v in m.items() %}\n{{ k }}: {{ v }}\n- {{ v | block(2) }}\n{% endfor %}\n"),
        (
            "a.json.j2",
            '{"k": [{% for x in xs %}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}], {{ k }}: {{ v }}}',
        ),
        ("a.md.j2", "# {{ a }}\n\n**{{ b }}** ({{ c | code }})\n"),
        ("env.j2", "NAME={{ a | dotenv }}\n"),
        ("a.yml.j2", "{% if x is not none %}\nx: {{ x }}\n{% endif %}\n"),
    ],
)
def test_the_law_lets_layout_pass(name: str, source: str) -> None:
    assert list(_faults(name, source)) == []


def test_every_template_is_jinja() -> None:
    broken = []
    for name in TEMPLATES:
        try:
            Environment(autoescape=True).parse((templates_dir() / name).read_text())
        except TemplateError as error:
            broken.append(f"{name}: {error}")
    assert broken == []

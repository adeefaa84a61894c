"""Whatever the text, Markdown made of it shows that text; judged by a CommonMark reader."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from stackgen.render import quote

many = settings(max_examples=250)


@many
@given(st.text("->!< a\n", max_size=9))
def test_no_text_ends_an_html_comment(value: str) -> None:
    assert re.search("--|>", quote.as_html_comment(value)) is None


def _html(markdown: str) -> str:
    html: str = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown)
    return html


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


markdown_texts = st.one_of(
    st.sampled_from(
        ['sum(x{a="b"}) > 0', "http://x:9090/a_b", "{{ $value }}", "--- a", "<b>", "_a_", "a_b_c", "![a](b)"]
    ),
    st.text("\\`*_[]()<>|~&#+-=!.1a; \n:x/", max_size=14),
    st.just("&amp; &#35;"),
    st.just("1. a"),
)


@many
@given(markdown_texts.filter(str.strip))
def test_markdown_text_is_shown_as_it_is(value: str) -> None:
    shown = _escaped(" ".join(value.split()))
    assert _html(quote.as_markdown(value) + "\n") == f"<p>{shown}</p>\n"
    assert _html(f"- a {quote.as_markdown(value)} b\n") == f"<ul>\n<li>a {shown} b</li>\n</ul>\n"
    assert f"<td>{shown}</td>" in _html(f"| h |\n| --- |\n| {quote.as_markdown(value)} |\n")


@many
@given(markdown_texts)
def test_markdown_fences_hold_any_text(value: str) -> None:
    expected = _escaped(value.rstrip("\n"))
    assert (
        _html(quote.markdown_fence(value, "promql"))
        == f'<pre><code class="language-promql">{expected}\n</code></pre>\n'
    )


@many
@given(markdown_texts.filter(lambda text: text.strip() and "|" not in text))
def test_markdown_code_spans_hold_any_text(value: str) -> None:
    assert f"<code>{_escaped(' '.join(value.split()))}</code>" in _html(f"a {quote.markdown_code(value)} b")


def test_markdown_code_survives_a_table() -> None:
    assert "<td><code>a|b</code></td>" in _html(f"| h |\n| --- |\n| {quote.markdown_code('a|b')} |\n")


def test_markdown_link_keeps_a_hostile_address_inside() -> None:
    printed = quote.markdown_link("a]b", "https://x.y/a b)(<z>")
    assert _html(printed) == '<p><a href="https://x.y/a%20b%29%28%3Cz%3E">a]b</a></p>\n'


def test_markdown_prose_keeps_code_and_lists_but_no_html() -> None:
    html = _html(quote.markdown_prose("Run `a <b>`:\n\n- x\n- <script>y</script>\n"))
    assert "<code>a &lt;b&gt;</code>" in html
    assert "<li>x</li>" in html
    assert "<script" not in html

"""What templates write is escaped exactly as everybody's Jinja does it."""

from __future__ import annotations

from enum import StrEnum

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from portal.written import written


class Sly(str):
    """A text that claims to be harmless markup."""

    def __html__(self) -> str:
        return "<i>mit eget</i>"


class Word(StrEnum):
    SHARP = "<skarp>"


@given(st.text())
def test_every_text_as_ever(text: str) -> None:
    assert written(text) == str(escape(text))
    assert written(Markup(text)) == text
    assert written(Sly(text)) == "<i>mit eget</i>"


@pytest.mark.parametrize("value", [None, 0, 1.5, True, Word.SHARP, ["<a>"], b"<b>", object])
def test_everything_else_as_ever(value: object) -> None:
    assert written(value) == str(escape(value))


HOSTILE = "<script>alert('\"&')</script>"
SAFE = "&lt;script&gt;alert(&#39;&#34;&amp;&#39;)&lt;/script&gt;"


@pytest.mark.parametrize(
    "source",
    [
        "{{ x }}",
        "{% macro m(y) %}{{ y }}{% endmacro %}{{ m(x) }}",
        "{% set z %}{{ x }}{% endset %}{{ z }}",
        "{% for y in [x] %}{{ y }}{% endfor %}",
        "{% call(y) m() %}{{ y }}{% endcall %}",
        "{{ x ~ '' }}",
        "{{ [x]|join('') }}",
        "{% filter trim %}{{ x }}{% endfilter %}",
        "{% trans %}{{ x }}{% endtrans %}",
        "{% autoescape true %}{{ x }}{% endautoescape %}",
        "{% set y = x if true else '' %}{{ y }}",
    ],
)
def test_hostile_text_is_escaped_once_wherever_it_stands(app: Flask, source: str) -> None:
    called = "{% macro m() %}{{ caller(x) }}{% endmacro %}" if "call(" in source else ""
    with app.test_request_context("/"):
        env = app.jinja_env.overlay(autoescape=True)
        assert env.from_string(called + source).render(x=HOSTILE) == SAFE


def test_our_templates_are_compiled_by_it(app: Flask) -> None:
    code = app.jinja_env.compile("{{ x }}", raw=True, name="a.html")
    assert "environment.written(" in code and "escape(" not in code.split("environment.written(")[1]

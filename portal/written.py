"""How templates write values into a page: escaped as ever, without an object made for each.

Jinja makes a `Markup` of every value before it joins them all to one text; a page has thousands,
and that was a tenth of it. Here a text stays a text once it is escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2.compiler import CodeGenerator, Frame
from markupsafe import Markup, _escape_inner, escape  # type: ignore[attr-defined]  # its own

if TYPE_CHECKING:
    from jinja2 import Environment, nodes


class Writer(CodeGenerator):
    """Compiles `{{ value }}` to `environment.written(value)`."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        # Jinja's and markupsafe's own names, begun with an underscore: the tests say if they change
        known = frame.eval_ctx.autoescape and not frame.eval_ctx.volatile
        if known and finalize.src is None:
            self.write("environment.written(")
        else:
            super()._output_child_pre(node, frame, finalize)


def install(env: Environment) -> None:
    """Before the first template is compiled."""
    env.code_generator_class = Writer
    env.written = written  # type: ignore[attr-defined]  # compiled templates know their environment


def written(value: object) -> str:
    """What stands on the page, as `markupsafe.escape` has it."""
    if type(value) is str:
        return _escape_inner(value)
    return value if type(value) is Markup else escape(value)

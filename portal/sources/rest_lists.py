"""Where a mapping's `items` stand: what is no list must not be read as "nothing"."""

from __future__ import annotations

from typing import Any, NamedTuple

from jmespath.visitor import TreeInterpreter


class Listed(NamedTuple):
    """What `items` finds. `alone`: one object, where a list is meant."""

    items: list[Any]
    alone: bool = False


def listed(parsed: Any, holder: Any) -> Listed | None:
    """Raises ValueError where something stands that is no list."""
    found = LISTS.visit(parsed, holder)
    if found is None:
        return None
    alone = isinstance(found, dict) or (
        len(_as_list(found)) < 2 and PLAIN.visit(parsed, holder) is None
    )
    return Listed(_as_list(found), alone)


def _as_list(value: Any) -> Any:
    """None is none; an object is a list of one. Raises ValueError."""
    if value is None or isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    raise ValueError("no list")


class _Lists(TreeInterpreter):
    """JMESPath finds nothing in what is no list, as if it were not there: that would read as "you have none"."""

    def visit_flatten(self, node: Any, value: Any) -> Any:
        return super().visit_flatten(self._over(node, value), value)

    def visit_projection(self, node: Any, value: Any) -> Any:
        return super().visit_projection(self._over(node, value), value)

    def visit_filter_projection(self, node: Any, value: Any) -> Any:
        """The condition itself is plain JMESPath."""
        base, then, condition = node["children"]
        found = _as_list(self.visit(base, value))
        plain = _node("filter_projection", _literal(found), _node("identity"), condition)
        kept = PLAIN.visit(plain, value)
        return super().visit_projection(_node("projection", _literal(kept), then), value)

    def visit_value_projection(self, node: Any, value: Any) -> Any:
        base = self.visit(node["children"][0], value)
        if base and not isinstance(base, dict):
            raise ValueError("no object")
        return super().visit_value_projection(node, value)

    def visit_slice(self, node: Any, value: Any) -> Any:
        return super().visit_slice(node, _as_list(value))

    def _over(self, node: Any, value: Any) -> Any:
        base, *then = node["children"]
        return _node(node["type"], _literal(_as_list(self.visit(base, value))), *then)


def _node(kind: str, *children: Any) -> Any:
    return {"type": kind, "children": list(children)}


def _literal(value: Any) -> Any:
    return {"type": "literal", "value": value, "children": []}


PLAIN, LISTS = TreeInterpreter(), _Lists()
"""They hold nothing of what they read, and an interpreter of its own for each list costs more than the list."""

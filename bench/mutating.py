"""Every small fault one could make in a module, one at a time.

cosmic-ray changes operators, numbers and keywords. A rule table breaks in
other ways too, added here: a row, a member or an argument is missing, a word
is another word, one half of a condition is forgotten, a statement or an
answer is left out. Annotations, docstrings and reasons for people are not rules.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ALTERNATIVE = re.compile(r"(?<=[(|:\"])[^()|\"?]+\|(?=[^)\"])|(?<!\\)\|[^()|\"?]+(?=[)\"])")
"""One of the words a pattern finds, with the bar that parts it from its neighbour."""


class Mutant(NamedTuple):
    """A module with one fault: `where` it is (function or table), the lines before and after."""

    module: str
    where: str
    line: int
    old: str
    new: str
    source: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is known by when lines move."""
        return self.module, self.where, self.old, self.new


Fault = Callable[[], str | None]
"""Gives the whole source with one fault, when it is asked for."""


def mutants(
    file: Path, module: str, left_out: Iterable[str], dice: Random | None = None
) -> Iterator[Mutant]:
    """A file's mutants, none twice: in the order of its lines, or as the dice fall."""
    source = file.read_text()
    tree = ast.parse(source)
    same = {_meaning(source), ""}
    faults = [*_replaced(source, "|".join(left_out)), *_broken(source, tree)]
    if dice:
        dice.shuffle(faults)
    found = (_described(module, tree, source, fault() or "", same) for fault in faults)
    real = (mutant for mutant in found if mutant)
    yield from real if dice else sorted(real, key=lambda m: m.line)


def _replaced(source: str, left_out: str) -> Iterator[Fault]:
    """The source with one operator, number or keyword replaced, by cosmic-ray."""
    nodes = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        kind = get_operator(name)
        if kind.arguments() or (left_out and re.search(left_out, name)):
            continue
        operator = kind()
        for place in range(sum(len(list(operator.mutation_positions(n))) for n in nodes)):
            yield partial(mutate_code, source, operator, place)


def _meaning(source: str) -> str:
    """What a source does, without annotations, prose and caches; empty when it is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            node.annotation = NOTHING
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
            node.decorator_list = [d for d in node.decorator_list if CACHE not in ast.unparse(d)]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = NOTHING
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            node.exc.args = []
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in PROSE and node.args:
            node.args[-1], node.keywords = NOTHING, []
    return ast.dump(tree)


NOTHING = ast.Constant(None)
CACHE = "lru_cache"
"""It makes answers faster, never other ones."""
PROSE = {"Door", "Hides", "Deciders", "TypeVar"}
"""Rows of tables and the like, whose last cell is a reason for people or for the type checker."""


Span = tuple[int, int]
"""A stretch of the text: the first sign and the one after the last."""


class Text:
    """A source, and where in it a node of its tree stands."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines = source.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def span(self, node: ast.expr | ast.keyword | ast.stmt) -> Span:
        end = self._at(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return self._at(node.lineno, node.col_offset), end

    def _at(self, line: int, byte: int) -> int:
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:byte].decode())

    def of(self, span: Span) -> str:
        return self.source[slice(*span)]


def _broken(source: str, tree: ast.Module) -> Iterator[Fault]:
    """The source with one of the faults of this file's own list."""
    text = Text(source)
    edits = [edit for node in ast.walk(tree) for edit in _faults(node, text)]
    for (start, end), instead in (*edits, *_words(text)):
        yield partial("".join, (source[:start], instead, source[end:]))


def _faults(node: ast.AST, text: Text) -> Iterator[tuple[Span, str]]:
    """The ways this one node can be wrong."""
    if isinstance(node, ast.BoolOp):
        yield from _without_one(node, text)
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        if isinstance(getattr(node, "ctx", None), ast.Store):
            return
        yield from _missing(map(text.span, node.elts), text)
    elif isinstance(node, ast.Dict):
        pairs = [(k or v, v) for k, v in zip(node.keys, node.values, strict=True)]
        yield from _missing([(text.span(k)[0], text.span(v)[1]) for k, v in pairs], text)
    elif isinstance(node, ast.Call):
        yield from _missing(map(text.span, node.args[1:]), text)
        yield from _missing(map(text.span, node.keywords), text)
    elif isinstance(node, ast.Compare):
        yield from _membership(node, text)
    elif isinstance(node, ast.Return) and not isinstance(node.value, ast.Constant | None):
        yield text.span(node.value), "None"
    elif isinstance(node, ast.Expr | ast.AugAssign) and not isinstance(node.value, ast.Constant):
        yield text.span(node), "pass"
    for condition in _conditions(node):
        yield text.span(condition), "True"
        yield text.span(condition), "False"


def _conditions(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        return [node.test]
    if isinstance(node, ast.comprehension):
        return node.ifs
    return [node.body] if isinstance(node, ast.Lambda) else []


def _without_one(node: ast.BoolOp, text: Text) -> Iterator[tuple[Span, str]]:
    """A condition that forgets one of its parts."""
    spans = [text.span(v) for v in node.values]
    word = " and " if isinstance(node.op, ast.And) else " or "
    for gone in spans:
        kept = word.join(f"({text.of(s)})" for s in spans if s != gone)
        yield (spans[0][0], spans[-1][1]), f"({kept})"


def _missing(parts: Iterable[Span], text: Text) -> Iterator[tuple[Span, str]]:
    """A table, collection or call without one of its parts."""
    for start, end in parts:
        comma = re.match(r"\s*,", text.source[end:])
        yield (start, end + comma.end() if comma else end), ""


def _membership(node: ast.Compare, text: Text) -> Iterator[tuple[Span, str]]:
    left = node.left
    for op, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(op, ast.In | ast.NotIn):
            between = text.span(left)[1], text.span(right)[0]
            other = "in" if isinstance(op, ast.NotIn) else "not in"
            yield between, re.sub(r"\b(not\s+in|in)\b", other, text.of(between))
        left = right


def _words(text: Text) -> Iterator[tuple[Span, str]]:
    """Each text as another text; each pattern without one of its alternatives."""
    for token in tokenize.generate_tokens(io.StringIO(text.source).readline):
        if token.type != tokenize.STRING:
            continue
        start = text.starts[token.start[0] - 1] + token.start[1]
        opening = re.match(r"[A-Za-z]*(\"\"\"|\"|')", token.string)
        quote = start + (opening.end() if opening else 0)
        yield (quote, quote), "XX"
        for gone in ALTERNATIVE.finditer(token.string) if token.string.startswith("r") else ():
            yield (start + gone.start(), start + gone.end()), ""


def _described(
    module: str, tree: ast.Module, source: str, changed: str, same: set[str]
) -> Mutant | None:
    """The mutant, or None when its source means what another (in `same`) means, or nothing."""
    meaning = _meaning(changed)
    if meaning in same:
        return None
    same.add(meaning)
    before, after = source.splitlines(), changed.splitlines()
    top = 0
    while before[top : top + 1] == after[top : top + 1]:
        top += 1
    end = 0
    while end < min(len(before), len(after)) - top and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = (" ".join(" ".join(x[top : len(x) - end]).split()) for x in (before, after))
    return Mutant(module, _where(tree, top + 1), top + 1, old, new, changed)


def _where(tree: ast.Module | ast.ClassDef, line: int) -> str:
    """The function, class or table a line belongs to."""
    for node in tree.body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        if first <= line <= (node.end_lineno or node.lineno):
            name = getattr(node, "name", "")
            if isinstance(node, ast.ClassDef):
                return f"{name}.{_where(node, line)}".removesuffix(".")
            return name or ast.unparse(getattr(node, "targets", [getattr(node, "target", node)])[0])
    return ""

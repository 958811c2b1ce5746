"""Sizes of torch.export as expressions of a plan: integers, symbols, + - * / % min max cdiv, comparisons."""

from __future__ import annotations

from collections.abc import Callable

import sympy
import torch
from torch.utils._sympy import functions as ts
from torch.utils._sympy.numbers import int_oo

from burnish.errors import BurnishError

_COMPARISONS = {sympy.Eq: "==", sympy.Ne: "!=", sympy.Lt: "<", sympy.Le: "<=", sympy.Gt: ">", sympy.Ge: ">="}


class Symbols:
    """Gives torch's symbols the names that the plan uses. Sizes found only at run time become `size(tensor, d)`."""

    def __init__(self, new_name: Callable[[str], str]) -> None:
        self._new_name = new_name
        self._text: dict[sympy.Symbol, str] = {}

    def bind(self, symbol: sympy.Symbol) -> str:
        """A name for a symbol that an input's shape binds."""
        if symbol not in self._text:
            self._text[symbol] = self._new_name(f"n{len(self._text)}")
        return self._text[symbol]

    def bind_to_output(self, name: str, value: torch.Tensor) -> None:
        """Sizes of an operator's output that no input decides: from here on they are asked of that output."""
        for d, size in enumerate(value.shape):
            if isinstance(size, torch.SymInt) and isinstance(size.node.expr, sympy.Symbol):
                self._text.setdefault(size.node.expr, f"size({name}, {d})")

    def size(self, value: int | torch.SymInt) -> int | str:
        """A size as JSON: the integer, or the text of an expression."""
        if isinstance(value, torch.SymInt):
            expr = value.node.expr
            return int(expr) if expr.is_Integer else self.text(expr)
        return int(value)

    def knows(self, value: int | torch.SymInt) -> bool:
        """Whether every symbol of the size has been bound."""
        return not isinstance(value, torch.SymInt) or all(s in self._text for s in value.node.expr.free_symbols)

    def text(self, expr: sympy.Basic) -> str:
        """The expression in the plan's grammar."""
        if expr.is_Integer:
            return str(int(expr)) if expr >= 0 else f"({int(expr)})"
        if expr.is_Symbol:
            if expr not in self._text:
                raise _cannot(f"the size {expr} depends on values of a tensor")
            return self._text[expr]
        if isinstance(expr, sympy.Add):
            return self._sum(expr)
        if isinstance(expr, sympy.Mul):
            numerator, denominator = sympy.fraction(expr)
            if denominator != 1:
                return f"({self.text(numerator)} / {self.text(denominator)})"
            return "(" + " * ".join(self.text(a) for a in expr.args) + ")"
        if isinstance(expr, sympy.Pow | ts.PowByNatural) and expr.args[1].is_Integer and 0 < int(expr.args[1]) <= 8:
            return "(" + " * ".join([self.text(expr.args[0])] * int(expr.args[1])) + ")"
        if isinstance(expr, ts.FloorDiv | ts.CleanDiv):
            return f"({self.text(expr.args[0])} / {self.text(expr.args[1])})"
        if isinstance(expr, ts.CeilToInt | ts.TruncToInt | ts.FloorToInt) and expr.args[0].is_integer:
            return self.text(expr.args[0])
        if isinstance(expr, ts.Mod | ts.PythonMod | sympy.Mod):
            return f"({self.text(expr.args[0])} % {self.text(expr.args[1])})"
        if isinstance(expr, ts.ModularIndexing):
            base, divisor, modulus = map(self.text, expr.args)
            return f"(({base} / {divisor}) % {modulus})"
        if isinstance(expr, ts.Max | sympy.Max):
            return self._fold("max", expr.args)
        if isinstance(expr, ts.Min | sympy.Min):
            return self._fold("min", expr.args)
        raise _cannot(f"the size {expr} is no integer expression")

    def conditions(self, expr: sympy.Basic) -> list[str]:
        """A guard as comparisons that must all hold; none where it always holds."""
        if expr is sympy.true or expr == sympy.true:
            return []
        if isinstance(expr, sympy.And):
            return [text for arg in expr.args for text in self.conditions(arg)]
        for kind, sign in _COMPARISONS.items():
            if isinstance(expr, kind):
                if any(arg.has(int_oo) or arg.has(-int_oo) for arg in expr.args):
                    return []
                return [f"{self._side(expr.args[0])} {sign} {self._side(expr.args[1])}"]
        raise _cannot(f"the condition {expr} on sizes is no comparison")

    def ranges(self, constraints: dict[sympy.Symbol, object]) -> list[str]:
        """Bounds of the bound symbols: `n >= 2`."""
        found = []
        for symbol, text in self._text.items():
            bounds = constraints.get(symbol)
            if bounds is None or text.startswith("size("):
                continue
            if bounds.lower.is_Integer and bounds.lower > 0:  # type: ignore[attr-defined]
                found.append(f"{text} >= {int(bounds.lower)}")  # type: ignore[attr-defined]
            if bounds.upper.is_Integer and bounds.upper < 2**62:  # type: ignore[attr-defined]
                found.append(f"{text} <= {int(bounds.upper)}")  # type: ignore[attr-defined]
        return found

    def _sum(self, expr: sympy.Add) -> str:
        """Positive terms first: `n - 1`, not `-1 + n`."""
        terms = sorted(expr.args, key=lambda a: bool(a.could_extract_minus_sign()))
        text = self.text(terms[0])
        for term in terms[1:]:
            text += f" - {self.text(-term)}" if term.could_extract_minus_sign() else f" + {self.text(term)}"
        return f"({text})"

    def _fold(self, name: str, args: tuple[sympy.Basic, ...]) -> str:
        text = self.text(args[0])
        for arg in args[1:]:
            text = f"{name}({text}, {self.text(arg)})"
        return text

    def _side(self, expr: sympy.Basic) -> str:
        text = self.text(expr)
        return text[1:-1] if text.startswith("(") and _closes_at_end(text) else text


def _closes_at_end(text: str) -> bool:
    depth = 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0:
            return i == len(text) - 1
    return False


def _cannot(what: str) -> BurnishError:
    return BurnishError(
        "unsupported", what, "the exported graph", "give examples of one size, or take the branch out of forward"
    )

"""Failures as sentences: what failed, where, and what to do about it."""

from __future__ import annotations


class BurnishError(Exception):
    """A failure of a problem, a candidate or a call. `reason` is one word of docs/reasons.md."""

    def __init__(self, reason: str, what: str, where: str = "", todo: str = "") -> None:
        self.reason, self.what, self.where, self.todo = reason, what, where, todo
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """One sentence for a person: "what (where): todo"."""
        text = self.what
        if self.where:
            text += f" ({self.where})"
        if self.todo:
            text += f": {self.todo}"
        return text

    def to_json(self) -> dict[str, str]:
        """The form that the judge protocol and `--json` use."""
        return {"reason": self.reason, "what": self.what, "where": self.where, "todo": self.todo}

    def __reduce__(self) -> tuple:
        return type(self), (self.reason, self.what, self.where, self.todo)


def first_line(error: BaseException, limit: int = 300) -> str:
    """The type and the first line of an exception's text, for a sentence."""
    text = str(error).strip().splitlines()
    line = text[0] if text else ""
    line = line if len(line) <= limit else line[: limit - 3] + "..."
    return f"{type(error).__name__}: {line}" if line else type(error).__name__

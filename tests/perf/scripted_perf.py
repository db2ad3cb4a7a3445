"""A program that answers as `perf stat` does with other versions, other rights and other CPUs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

SCRIPT = (
    f"#!{sys.executable} -I\n"
    """
import json, os, pathlib, sys
table = json.loads(pathlib.Path(sys.argv[0] + ".json").read_text())
calls = pathlib.Path(sys.argv[0] + ".calls")
words = sys.argv[1:]
spec = words[words.index("-e") + 1]
earlier = [json.loads(line) for line in calls.read_text().splitlines()]
with calls.open("a") as file:
    file.write(json.dumps(words) + "\\n")
for word in words:
    if word in table["unknown_words"]:
        kind = "option" if word.startswith("--") else "switch"
        print(f"  Error: unknown {kind} `{word.lstrip('-')}'", file=sys.stderr)
        sys.exit(129)
answers = table["answers"].get(spec, [{}])
nth = sum(spec in call for call in earlier)
answer = answers[min(nth, len(answers) - 1)]
lines = []
for number, event in enumerate(spec.strip("{}").split(",")):
    for value in answer.get("values", [["7"]])[number % len(answer.get("values", [1]))]:
        if "-j" in words:
            lines.append(json.dumps({"counter-value": value, "unit": "", "event": event}))
        else:
            lines.append(f"{value};;{event};7;100.00;;")
with os.fdopen(int(words[words.index("--log-fd") + 1]), "w") as file:
    file.write(answer.get("output", "".join(line + "\\n" for line in lines)))
print(answer.get("errors", ""), file=sys.stderr)
if answer.get("code", 0) < 0:
    os.kill(os.getpid(), -answer["code"])
sys.exit(answer.get("code", 0))
"""
)


class Answer(NamedTuple):
    """What is printed for one -e, and how it ends."""

    values: tuple[tuple[str, ...], ...] = (("7",),)
    """For each event of the group, its rows: counts, `<not counted>` or `<not supported>`."""
    code: int = 0
    errors: str = ""
    output: str | None = None
    """Instead of the rows."""

    def as_table(self) -> dict[str, Any]:
        """What the program reads."""
        fields = self._asdict()
        if self.output is None:
            del fields["output"]
        if self.code:
            fields["output"] = ""
        return fields


class ScriptedPerf:
    """The program, and what it was asked for."""

    def __init__(self, folder: Path, *unknown_words: str) -> None:
        self.path = str(folder / "perf")
        self._calls = Path(f"{self.path}.calls")
        self._calls.touch()
        self._unknown_words = unknown_words
        self._answers: dict[str, list[dict[str, Any]]] = {}
        Path(self.path).write_text(SCRIPT)
        Path(self.path).chmod(0o755)
        self._write()

    def answer(self, spec: str, *answers: Answer) -> None:
        """Have it answer to one -e: the first time, the second time, and so on; else it counts."""
        self._answers[spec] = [answer.as_table() for answer in answers]
        self._write()

    @property
    def calls(self) -> list[list[str]]:
        """The words of each run."""
        return [json.loads(line) for line in self._calls.read_text().splitlines()]

    @property
    def specs(self) -> list[str]:
        """What each run was to count."""
        return [words[words.index("-e") + 1] for words in self.calls]

    def _write(self) -> None:
        table = {"unknown_words": self._unknown_words, "answers": self._answers}
        Path(f"{self.path}.json").write_text(json.dumps(table))

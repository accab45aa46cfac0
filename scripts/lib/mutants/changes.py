"""Changes that cargo-mutants would make, as its list (`--list --json`) names them."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

LINE_AND_COLUMN = re.compile(r"^([^:]+):\d+:\d+: ")


@dataclass(frozen=True, eq=False)
class Change:
    number: int
    file: str
    # As docs/mutants.md writes it: without line and column, which every edit moves.
    name: str
    # What stands in place of `span`; a function's whole body if `is_whole_body`.
    replacement: str
    is_whole_body: bool
    span: dict
    # The function that it is in; None for a constant, which has no room for a switch.
    function: dict | None

    @property
    def room(self):
        return self.file.split("/")[1]

    @classmethod
    def of(cls, number, entry):
        return cls(
            number=number,
            file=entry["file"],
            name=LINE_AND_COLUMN.sub(r"\1: ", entry["name"]),
            replacement=entry["replacement"],
            is_whole_body=entry["genre"] == "FnValue",
            span=entry["span"],
            function=entry["function"] and entry["function"]["span"],
        )


def read(path):
    entries = json.loads(Path(path).read_text())
    return [Change.of(number, entry) for number, entry in enumerate(entries)]

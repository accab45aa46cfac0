"""What was measured: samples by cell, medians, and the file that keeps them."""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from .measure import Sample
from .plan import SCENARIOS, Cell
from .trouble import Trouble


@dataclass
class Result:
    """All runs of one cell."""

    cell: Cell
    samples: list[Sample] = field(default_factory=list)
    # Why runs have no figure. One is enough to take the cell's figures away.
    failures: list[str] = field(default_factory=list)

    def values(self, figure: str) -> list[float]:
        """A figure in every round, where there is one."""
        if self.failures:
            return []
        values = [getattr(sample, figure) for sample in self.samples]
        return [value for value in values if value is not None and not math.isnan(value)]

    def median(self, figure: str) -> float | None:
        """The median of a figure over the rounds; None if there is none."""
        values = self.values(figure)
        return median(values) if values else None


class Results:
    """All cells of all scenarios, in the order in which they were planned."""

    def __init__(self):
        self.all: list[Result] = []
        # Failures outside the rounds.
        self.failures: list[str] = []

    def of(self, scenario: str) -> list[Result]:
        """The cells of a scenario."""
        return [result for result in self.all if result.cell.scenario == scenario]

    def find(self, scenario: str, contestant: str, load: str, **more) -> Result | None:
        """The one cell with these properties, if it was measured."""
        wanted = {"contestant": contestant, "load": load, **more}
        found = [
            result
            for result in self.of(scenario)
            if all(getattr(result.cell, name) == value for name, value in wanted.items())
        ]
        assert len(found) <= 1, f"{wanted} names several cells of {scenario}"
        return found[0] if found else None

    def scenarios(self) -> list[str]:
        """The scenarios that were measured."""
        measured = {result.cell.scenario for result in self.all}
        return [scenario for scenario in SCENARIOS if scenario in measured]

    def all_failures(self) -> list[str]:
        """Everything that went wrong, with the cell it concerns."""
        of_cells = [
            f"{result.cell.scenario}, {result.cell.name}: {failure}"
            for result in self.all
            for failure in result.failures
        ]
        return self.failures + of_cells

    def save(self, file: Path, about: dict) -> None:
        """Writes every sample of every cell."""
        cells = [
            {
                "name": result.cell.name,
                **asdict(result.cell),
                "samples": [_without_nan(asdict(sample)) for sample in result.samples],
                "failures": result.failures,
            }
            for result in self.all
        ]
        document = {**about, "failures": self.failures, "cells": cells}
        file.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n")


def load(file: Path, about: dict) -> Results:
    """The scenarios that an earlier run measured, if it was one of the same kind.

    Trouble if there is none, or if it measured something else or otherwise.
    """
    if not file.exists():
        raise Trouble(f"there is no {file} to resume")
    document = json.loads(file.read_text())
    for name in ("rounds", "seconds"):
        if document[name] != about[name]:
            raise Trouble(f"{file} was measured with {document[name]} {name}: resume it with as many")
    for name in ("CPU", "bookstore"):
        then, now = document["machine"][name], about["machine"][name]
        if then != now:
            raise Trouble(f"{file} was measured on {then}, this is {now}: it cannot be resumed")
    results = Results()
    results.failures = document["failures"]
    for cell in document["cells"]:
        samples, failures = cell.pop("samples"), cell.pop("failures")
        del cell["name"]
        cell["settings"] = tuple(tuple(setting) for setting in cell["settings"])
        cell["shape"] = tuple(cell["shape"])
        samples = [Sample(**_with_nan(sample)) for sample in samples]
        results.all.append(Result(Cell(**cell), samples, failures))
    return results


def _with_nan(sample: dict) -> dict:
    # pgbench does not tell them.
    unknown = ("p99", "longest", "accepted_p99")
    return {
        name: math.nan if value is None and name in unknown else value
        for name, value in sample.items()
    }


def _without_nan(sample: dict) -> dict:
    # JSON has no NaN.
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in sample.items()
    }

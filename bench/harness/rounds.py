"""The order of runs: first the peers' best shapes, then rounds in which all take turns."""

from dataclasses import replace

from . import plan
from .measure import Bench, Sample
from .options import Options
from .plan import Cell
from .progress import Progress, say
from .results import Result, Results
from .stores import Stores
from .trouble import Trouble

PROBE_SECONDS = 2


class Rounds:
    """Measures what was asked for."""

    def __init__(self, options: Options, bench: Bench, stores: Stores, earlier: Results):
        self._options = options
        self._bench = bench
        self._stores = stores
        self._only = [name for name in options.only if name not in earlier.scenarios()]
        self.results = earlier

    def run(self, save) -> Results:
        """Runs everything; calls `save` after each scenario, so that little is lost if it ends."""
        self._prepare_stores()
        best = self._probe()
        planned = [cell for name in self._only for cell in self._cells(name, best)]
        progress = Progress(len(planned) * self._options.rounds)
        for scenario in self._only:
            results = [Result(cell) for cell in planned if cell.scenario == scenario]
            self.results.all += results
            for number in range(self._options.rounds):
                turn = number % len(results)
                for result in results[turn:] + results[:turn]:
                    self._take_turn(result, number, progress)
            save(self.results)
        return self.results

    def _cells(self, scenario: str, best: dict) -> list[Cell]:
        return plan.cells(scenario, self._options.is_quick, best)

    def _prepare_stores(self) -> None:
        # A peer's cells are sold from the same stores as ours: any peer will do to name them.
        needed = plan.needed_peers(tuple(self._only))
        stand_ins = {key: Cell("probe", *key) for key in needed}
        cells = [cell for name in self._only for cell in self._cells(name, stand_ins)]
        for backend, store in dict.fromkeys((cell.backend, cell.store) for cell in cells):
            say(f"making the {store} store on {self._stores.backends[backend].title}")
            self._stores.prepare(backend, store)

    def _take_turn(self, result: Result, number: int, progress: Progress) -> None:
        cell = result.cell
        progress.begin(f"{cell.scenario}, round {number + 1}: {cell.name}")
        is_last = number + 1 == self._options.rounds
        # The audit of millions of orders takes longer than the rest of the run.
        has_audit = cell.store == "small" or is_last
        try:
            sample = self._bench.run(cell, self._options.seconds, has_audit)
        except Trouble as trouble:
            result.failures.append(f"round {number + 1}: {trouble}")
            progress.end("NO FIGURE")
            say(f"    {trouble}")
        else:
            result.samples.append(sample)
            progress.end(f"{sample.per_second:,.0f}/s")

    def _probe(self) -> dict[tuple[str, str], Cell]:
        best = {}
        for contestant, load in plan.needed_peers(tuple(self._only)):
            candidates = plan.probes(contestant, load)
            if self._options.is_quick:
                candidates = candidates[1:4]
            say(f"looking for the best {plan.NAMES[contestant]}, {load}")
            chosen = self._best(candidates)
            if contestant == "django":
                others = (replace(chosen, connections=count) for count in plan.DJANGO_CONNECTIONS)
                chosen = self._best(others)
            best[contestant, load] = chosen
        return best

    def _best(self, candidates) -> Cell:
        measured: list[tuple[Cell, Sample]] = []
        for cell in candidates:
            shape = f", {cell.shape[0]} x {cell.shape[1]} threads" if any(cell.shape) else ""
            try:
                sample = self._bench.run(cell, PROBE_SECONDS)
            except Trouble as trouble:
                self.results.failures.append(f"probe, {cell.name}{shape}: {trouble}")
                say(f"    {cell.name}{shape}: no figure: {trouble}")
            else:
                measured.append((cell, sample))
                say(f"    {cell.name}{shape}: {sample.per_second:,.0f}/s")
        if not measured:
            raise Trouble("none of the shapes of this peer could be measured; see above")
        return max(measured, key=lambda one: one[1].per_second)[0]

"""Tells on standard error what runs now, how far it is, and how long it may take."""

import sys
import time


class Progress:
    """Counts the runs."""

    def __init__(self, runs: int):
        self._runs = runs
        self._done = 0
        self._started = time.monotonic()

    def begin(self, what: str) -> None:
        """A run begins."""
        text = f"[{self._done + 1:>{len(str(self._runs))}}/{self._runs}] {what}"
        print(f"{text:<78}", end="", file=sys.stderr, flush=True)

    def end(self, outcome: str) -> None:
        """The run ended."""
        self._done += 1
        spent = time.monotonic() - self._started
        left = spent / self._done * (self._runs - self._done)
        print(f" {outcome:>14}   {_duration(left)} left", file=sys.stderr, flush=True)


def say(text: str) -> None:
    """One line on standard error."""
    print(text, file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"

"""Progress: what is said of a session's work while it goes on, and how long it will still take.

Networks come first; while they train, what views measure goes on without a word.
"""

import time
from collections.abc import Callable, Sequence

from .numerals import numeral
from .results import Frame

# The share that must be done before the time left can be guessed from it.
_LEAST = 0.02


class Progress:
    """What is under way.

    Args:
        report: says in words what is being computed, whether something is, and how many per cent of it are done.
    """

    def __init__(self, report: Callable[..., None]):
        """Start with nothing under way."""
        self._report = report
        self._training: _Pace | None = None
        self._measuring: _Pace | None = None
        self._outcome = ""  # what has become of the networks
        self._items: Sequence[int] = ()

    def begin_training(self) -> None:
        """Networks will start."""
        self._training = _Pace()
        self._report("networks start when the controls rest", running=True)

    def trained(self, frame: Frame) -> None:
        """Networks have come to a checkpoint."""
        done = frame.time / frame.end
        left = self._training.left(done) if self._training else ""
        self._report(
            f"networks at t = {numeral(frame.time)} of {numeral(frame.end, 6)}{left}", running=True, done=100 * done
        )

    def end_training(self, outcome: str) -> None:
        """There will be no more networks: say why."""
        self._training, self._outcome = None, outcome
        self._report(outcome, running=self._measuring is not None)

    def forget_training(self) -> None:
        """Networks, trained or not, are those of other controls."""
        self._training, self._outcome = None, ""

    def begin_measuring(self, items: Sequence[int]) -> None:
        """Views will measure so many items each, possibly none."""
        self._items, self._measuring = items, _Pace() if any(items) else None
        if self._training is None:
            words = "measuring starts when the controls rest" if any(items) else self._outcome
            self._report(words, running=any(items))

    def measured(self, counts: Sequence[int]) -> None:
        """Views have measured so many items each; what is said is of the one that is furthest behind."""
        if self._training is None and self._measuring:
            done = min(count / items for count, items in zip(counts, self._items, strict=True) if items)
            self._report(f"measuring{self._measuring.left(done)}", running=True, done=100 * done)

    def end_measuring(self, outcome: str) -> None:
        """Nothing more will be measured: say why, where there are no networks to speak of."""
        self._measuring = None
        if self._training is None:
            self._report(self._outcome or outcome, running=False)

    def cancel(self) -> None:
        """All that was under way has been cancelled."""
        if self._training is None:
            self.end_measuring("cancelled; move a control to measure again")
        else:
            self._measuring = None
            self.end_training("networks cancelled; move a control to train again")


class _Pace:
    """How fast something goes, since its share done was first looked at: what went before may have been compiling."""

    def __init__(self):
        self._first: tuple[float, float] | None = None

    def left(self, done: float) -> str:
        """Return the time left in words that follow others, with a share `done` from 0 to 1; empty while unknown."""
        now = time.monotonic()
        self._first = self._first or (now, done)
        begun, before = self._first
        if done - before <= _LEAST:
            return ""
        return f", {(now - begun) * (1 - done) / (done - before):.0f} s left"

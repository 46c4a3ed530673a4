"""Moore machines: finite automata that show a label in every state. A task may declare the one that solves it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

Leads = tuple[tuple[int | None, ...], ...]


@dataclass(frozen=True)
class Machine:
    """It starts in state 0, reads one symbol per frame, and shows the label of the state reached.

    Attributes
    ----------
    symbols, coding : the symbols, and the input vector of each
    leads : for each state, the state after each symbol; None where a symbol cannot occur
    labels : for each state its label, which is the number of an output or (`sets`) the sum of 2**k over several outputs k;
        None for a start that shows nothing and is never entered again
    outputs : names of the output units
    accepts : whether label 1 means that the string so far is in a language, and 0 that it is not
    """

    symbols: tuple[str, ...]
    coding: tuple[tuple[float, ...], ...]
    leads: Leads
    labels: tuple[int | None, ...]
    outputs: tuple[str, ...]
    accepts: bool = False
    sets: bool = False

    @classmethod
    def acceptor(cls, symbols: str, leads: Leads, accepting: Sequence[int]) -> "Machine":
        """The automaton of a language, its symbols one-hot."""
        labels = tuple(int(state in accepting) for state in range(len(leads)))
        return cls(tuple(symbols), one_hot(len(symbols)), leads, labels, ("no", "yes"), accepts=True)

    @property
    def size(self) -> int:
        return len(self.leads)

    def after(self, string: Sequence[int], state: int | None = 0) -> int | None:
        """The state after symbols given by number; None if one of them cannot occur."""
        for symbol in string:
            state = None if state is None else self.leads[state][symbol]
        return state

    def reachable(self) -> "Machine":
        """Without states that no string reaches; states are numbered in the order of the shortest strings that reach them."""
        order = [0]
        for state in order:
            order += [to for to in dict.fromkeys(self.leads[state]) if to is not None and to not in order]
        number: dict[int | None, int | None] = {state: k for k, state in enumerate(order)}
        number[None] = None
        leads = tuple(tuple(number[to] for to in self.leads[state]) for state in order)
        return replace(self, leads=leads, labels=tuple(self.labels[state] for state in order))

    def minimal(self) -> "Machine":
        """The smallest machine with the same labels after all strings (Moore's algorithm). A start without label may become one
        with any state that continues as it does."""
        if self.labels[0] is not None:
            return self._minimal()
        labelled = [replace(self, labels=(label, *self.labels[1:])) for label in dict.fromkeys(self.labels)]
        found = [machine._minimal() for machine in labelled]
        return min(found, key=lambda machine: machine.size)  # the first is without label

    def _minimal(self) -> "Machine":
        machine = self.reachable()
        blocks: list[int] = _numbered(list(machine.labels))
        while True:
            signs = [
                (blocks[state], tuple(None if to is None else blocks[to] for to in leads))
                for state, leads in enumerate(machine.leads)
            ]
            finer = _numbered(signs)
            if max(finer) == max(blocks):
                break
            blocks = finer
        first = [blocks.index(block) for block in range(max(blocks) + 1)]
        merged = replace(
            machine,
            leads=tuple(tuple(None if to is None else blocks[to] for to in machine.leads[state]) for state in first),
            labels=tuple(machine.labels[state] for state in first),
        )
        return merged.reachable()

    def same_as(self, other: "Machine") -> bool:
        """Whether both are one machine up to the numbers of states, after minimisation. A start without label fits any."""
        one, two = self.minimal(), other.minimal()
        pairs = zip(one.labels, two.labels, strict=False)
        same_labels = all(a == b or (k == 0 and None in (a, b)) for k, (a, b) in enumerate(pairs))
        return (one.symbols, one.leads) == (two.symbols, two.leads) and same_labels

    def label_text(self, label: int | None) -> str:
        if label is None:
            return "start"
        chosen = [k for k in range(len(self.outputs)) if label >> k & 1] if self.sets else [label]
        return " ".join(self.outputs[k] for k in chosen) or "nothing"


def one_hot(count: int) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(line == symbol) for line in range(count)) for symbol in range(count))


def _numbered(things: list) -> list[int]:
    """The number of each thing, in order of first appearance."""
    known = {thing: k for k, thing in enumerate(dict.fromkeys(things))}
    return [known[thing] for thing in things]

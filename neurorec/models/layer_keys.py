"""The keys of a layer's table that are not those of its cell or readout: what it hears, how its weights and initial state are
constrained or learned, and how often it is repeated. `architecture.py` shows them all.
"""

from typing import Any

from neurorec.basics.cards import Card, check_card
from neurorec.basics.errors import InputError
from neurorec.basics.numbers import Copies, Distinct, Gain, Probability, Share
from neurorec.models.constraint import Constraint, Dale, Fixed, SameWeights, Sign, Signed, Tied
from neurorec.models.wires import AS_SENT, Along, Wire


class LearnStart(Card):
    """Which units learn their initial state, and the standard deviation of the initial guess."""

    share: Share
    spread: Gain


class LayerKeys(Card):
    """Those keys; all are optional."""

    hears: Distinct[str] | None = None
    hears_delayed: Distinct[str] = []  # noqa: RUF012
    hears_children: Distinct[str] = []  # noqa: RUF012
    hears_read: Distinct[str] = []  # noqa: RUF012
    carries: dict[str, str] = {}  # noqa: RUF012
    fixed: Distinct[str] = []  # noqa: RUF012
    signs: dict[str, Sign] = {}  # noqa: RUF012
    tied: dict[str, str] = {}  # noqa: RUF012
    weights_of: str | None = None
    dale_excitatory_share: Probability | None = None
    learn_start: LearnStart | None = None
    takes_start: bool = False
    copies: Copies = 1

    def wires(self, name: str, before: str, where: str) -> list[Wire]:
        """The wires into the layer `name`; without `hears`, from the layer before it."""
        plain = self.hears if self.hears is not None else [before]
        ways: tuple[tuple[list[str], int, Along], ...] = (
            (plain, 0, "time"), (self.hears_delayed, 1, "time"), (self.hears_children, 1, "tree"),
            (self.hears_read, 0, "reading"),
        )  # fmt: skip
        unheard = set(self.carries) - {source for sources, _, _ in ways for source in sources}
        if unheard:
            raise InputError(f'{where}.carries: this layer does not hear "{unheard.pop()}"')
        return [
            Wire(source, name, delay, self.carries.get(source, AS_SENT), along)
            for sources, delay, along in ways
            for source in sources
        ]

    def constraints(self, name: str, wires: list[Wire], where: str) -> list[Constraint]:
        """The constraints on the weights of the layer `name`; `wires` are those of the network."""

        def into(source: str, target: str) -> list[Wire]:
            found = [wire for wire in wires if (wire.source, wire.target) == (source, target)]
            return found or [Wire(source, target, 1 if source == target else 0)]

        def owner(text: str) -> Wire:
            source, arrow, target = text.partition(" -> ")
            if not arrow:
                raise InputError(f'{where}: tied must name a wire as "source -> target" (got "{text}")')
            return into(source, target)[0]

        found: list[Constraint] = [Fixed(wire) for source in self.fixed for wire in into(source, name)]
        found += [Signed(wire, sign) for source, sign in self.signs.items() for wire in into(source, name)]
        found += [Tied(wire, owner(text)) for source, text in self.tied.items() for wire in into(source, name)]
        found += [SameWeights(name, self.weights_of)] if self.weights_of else []
        return found + ([Dale(name, self.dale_excitatory_share)] if self.dale_excitatory_share is not None else [])


def split_table(table: dict[str, Any], where: str) -> tuple[LayerKeys, dict[str, Any]]:
    """These keys of a table, checked, and the others, which are those of its cell or readout."""
    ours = {key: value for key, value in table.items() if key in LayerKeys.model_fields}
    return check_card(ours, LayerKeys, where), {key: value for key, value in table.items() if key not in ours}


def written_out(tables: dict[str, Any], where: str) -> dict[str, Any]:
    """The tables with those that have `copies` repeated: each copy hears the one before it."""
    found: dict[str, Any] = {}
    for name, table in tables.items():
        keys, alone = split_table(table, f"{where}.layers.{name}")
        names = [name] if keys.copies == 1 else [f"{name}_{k}" for k in range(1, keys.copies + 1)]
        found |= dict.fromkeys(names, alone) | {names[0]: table}
    return found

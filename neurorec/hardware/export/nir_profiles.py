"""What a NIR file leaves to its writer, as a profile; profiles by name, and what the tools they serve would run differently."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from neurorec.basics.errors import InputError, did_you_mean
from neurorec.engines.on_nir import NirOptions
from neurorec.hardware.export.exporter import NamedProfile
from neurorec.models.cells.lif import SpikingCard
from neurorec.models.network import Network
from neurorec.models.readout import LeakyReadout

CHOICES = {
    "nir_version": ("1.0.8", "legacy-1.0.4"),
    "time_unit": ("s", "ms", "steps"),
    "gain": ("unit_resistance", "unit_jump"),
    "leaky": ("LI", "recurrence", "left_out"),
    "recurrence": ("direct", "through_identity"),
    "reader": ("any", "norse", "snntorch", "spyx"),
}


@dataclass(frozen=True)
class NirProfile:
    """Options that NIR leaves to the writer. Defaults: seconds, the network's own dt, r = 1; readable with nir >= 1.0.6."""

    #: "legacy-1.0.4" omits v_reset, which nir 1.0.4 and earlier cannot read; needs v_reset 0
    nir_version: Literal["1.0.8", "legacy-1.0.4"] = "1.0.8"
    #: unit of the time constants; Norse, snnTorch and SpikingJelly read seconds, hxtorch ms, Sinabs and Spyx steps
    time_unit: Literal["s", "ms", "steps"] = "s"
    #: "unit_resistance": r = 1, exactly the network's own numbers. "unit_jump": r = tau_mem/dt, with potentials and
    #: thresholds scaled by it (equal only in exact arithmetic), as required by snnTorch and Spyx
    gain: Literal["unit_resistance", "unit_jump"] = "unit_resistance"
    #: dt for which time constants are written, preserving tau/dt; None: the network's. snnTorch assumes 1e-4 s
    dt_s: float | None = None
    #: a leaky readout: NIR's "LI"; a "recurrence" of two Linear nodes, y_t = a (W z_t + b) + (1 - a) y_{t-1}, which only a
    #: simulator that delays every loop by one step runs right; or "left_out", so that the file ends with W z + b
    leaky: Literal["LI", "recurrence", "left_out"] = "LI"
    #: "through_identity": a second Linear node, the identity, after the recurrent weights; without it, snnTorch 1.0.0 sends the
    #: input through the recurrent weights too
    recurrence: Literal["direct", "through_identity"] = "direct"
    #: the tool that is to read the file: networks that it would run differently are refused
    reader: Literal["any", "norse", "snntorch", "spyx"] = "any"

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            came = getattr(self, name)
            if came not in known:
                hint = did_you_mean(str(came), known)
                raise InputError(f'NIR profile: {name} "{came}" is not known{hint}; known: {", ".join(known)}')
        if self.dt_s is not None and not 0 < self.dt_s < float("inf"):
            raise InputError(f"NIR profile: dt_s must be a positive number of seconds (got {self.dt_s!r})")

    def options(self, card: SpikingCard, loops: bool = False) -> NirOptions:
        """The simulation options with which the file runs as the network did. `loops`: with a leaky readout as recurrence,
        nothing circulates before the first step."""
        return NirOptions(
            dt_s=self.dt_s or card.dt_ms / 1e3,
            time_unit=self.time_unit,
            reset=card.reset,  # type: ignore[arg-type]
            recurrent_bias_at_start=not loops,
        )

    def why_not(self, network: Network) -> str | None:
        """Why the file would not run as `network` did, in the tool for which it is written."""
        cards = [layer.card for layer in network.hidden.values()]
        if self.nir_version == "legacy-1.0.4" and any(card.v_reset for card in cards):
            reset = next(card.v_reset for card in cards if card.v_reset)
            return (
                f"legacy-1.0.4 has no v_reset and resets to 0, but this network resets to {reset:g}; "
                'use nir_version "1.0.8"'
            )
        if self.leaky == "LI" and self.reader != "any" and isinstance(network[network.output], LeakyReadout):
            return f'for {self.reader}: {self.reader} runs no LI node; use leaky "left_out"'
        reason = _READERS[self.reader](network) if self.reader in _READERS else None
        return reason and f"for {self.reader}: {reason}; use another profile, or train the network as such"


def _norse(network: Network) -> str | None:
    for name, layer in network.hidden.items():
        if layer.card.v_reset or layer.card.v_leak:
            return (
                f'Norse 1.1.0 ignores v_reset and applies v_leak to the synapse too, but layer "{name}" has v_reset '
                f"{layer.card.v_reset:g} and v_leak {layer.card.v_leak:g}, not 0 and 0"
            )
    return _not_a_chain(network, "Norse 1.1.0 (nirtorch 2.6)")


def _snntorch(network: Network) -> str | None:
    for name, layer in network.hidden.items():
        if layer.card.reset != "zero" or layer.card.v_reset or layer.card.v_leak:
            return (
                f'snnTorch 1.0.0 imports all neurons with reset "zero", v_reset 0 and v_leak 0, but layer "{name}" has reset '
                f'"{layer.card.reset}", v_reset {layer.card.v_reset:g} and v_leak {layer.card.v_leak:g}'
            )
    return None


def _spyx(network: Network) -> str | None:
    for name, layer in network.hidden.items():
        if layer.card.reset != "subtract" or layer.card.v_leak:
            return (
                f'Spyx 1.0.0 imports all neurons with reset "subtract" and v_leak 0, but layer "{name}" has reset '
                f'"{layer.card.reset}" and v_leak {layer.card.v_leak:g}'
            )
    return _not_a_chain(network, "Spyx 1.0.0")


def _not_a_chain(network: Network, reader: str) -> str | None:
    for name in network.hidden:
        if len(wires := network.wires_into(name)) != 1:
            sources = ", ".join(wire.source for wire in wires)
            return (
                f'{reader} runs a chain of layers in the right order, but layer "{name}" receives input from {sources}'
            )
    return None


_READERS: dict[str, Callable[[Network], str | None]] = {"norse": _norse, "snntorch": _snntorch, "spyx": _spyx}

#: the form that snnTorch 1.0.0 imports
SNNTORCH = NirProfile(gain="unit_jump", dt_s=1e-4, leaky="left_out", recurrence="through_identity", reader="snntorch")

PROFILES: dict[str, NamedProfile] = {
    "plain": NamedProfile(NirProfile(), "seconds, r = 1, nir >= 1.0.6"),
    "legacy": NamedProfile(NirProfile(nir_version="legacy-1.0.4"), "as plain, without v_reset: nir <= 1.0.4"),
    "norse": NamedProfile(
        NirProfile(leaky="recurrence", reader="norse"),
        "what Norse 1.1.0 runs; a leaky readout becomes a linear recurrence",
    ),
    "snntorch": NamedProfile(SNNTORCH, "what snnTorch 1.0.0 imports: r = tau/dt, dt = 1e-4 s, no leaky readout"),
    "spyx": NamedProfile(
        NirProfile(gain="unit_jump", time_unit="steps", leaky="left_out", reader="spyx"),
        'what Spyx 1.0.0 imports: reset "subtract", r = tau/dt, tau in steps, no leaky readout',
    ),
}

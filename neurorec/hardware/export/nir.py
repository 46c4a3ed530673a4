"""Networks as NIR files: Input -> Linear -> CubaLIF (<-> Linear) -> Affine [-> LI] -> Output, flat; any number of spiking
layers, each of which may receive input from several others.

The mapping that makes neurorec's LIF (Norse's step) exactly a CubaLIF: w_in = tau_syn/dt turns forward Euler's
dt/tau_syn into a jump of size one, and r = 1. The membrane reads the new current; the reset sets v to v_reset.
"""

import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from neurorec.basics.errors import CannotRun, InputError
from neurorec.basics.files import write_atomically
from neurorec.hardware.export.exporter import Exporter, exporters
from neurorec.hardware.export.nir_profiles import PROFILES, NirProfile
from neurorec.models.cells.lif import CLOSEST_IN_NIR, LIF, SpikingCard
from neurorec.models.network import Network
from neurorec.models.readout import LeakyCard, LeakyReadout, LinearReadout
from neurorec.models.wires import INPUT, Wire

W_IN, READOUT, INTEGRATORS = "w_in", "readout", "leaky"  # names inside the file

RATE = (
    "its units send values through nonlinearities (tanh, gates, winner-take-all), for which NIR has no node; "
    "the closest export is a spiking network of the same size"
)


@exporters.register("nir")
class NirExporter(Exporter):
    title = "NIR"
    Profile = NirProfile
    profiles = PROFILES

    def why_not(self, network: Network) -> str | None:
        if not isinstance(network, Network):
            return "only networks of layers and wires can be written; export each layer as a network"
        hidden = network.hidden
        for name, layer in hidden.items():
            reason = _layer_why_not(layer)
            if reason is not None:
                return reason if len(hidden) == 1 else f'layer "{name}": {reason}'
        for wire in network.wires:
            if not wire.plain:
                return f"{wire} has a delay or applies a function; only plain wires can be written"
        return _readout_why_not(network)

    def write(self, network: Network, path: Path, profile: NirProfile | None = None) -> None:
        import nir

        self.check(network)
        profile = profile or NirProfile()
        reason = profile.why_not(network)
        if reason is not None:
            raise CannotRun(f"NIR profile {reason}")
        file: Any = io.BytesIO()  # HDF5 crashes where a disk is full
        nir.write(file, nir_graph(network, profile))
        if profile.nir_version == "legacy-1.0.4":
            strip_v_reset(file, [neuron_of(name) for name in network.hidden])
        try:
            write_atomically(path, file.getvalue())
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error}); choose a writable folder") from None


def neuron_of(layer: str) -> str:
    """The name of a layer's neurons in the file."""
    return f"{layer}.lif"


def loop_of(node: str) -> str:
    """The name of the weights from a node to itself."""
    return f"{node}.w_rec"


def nir_graph(network: Network, profile: NirProfile) -> Any:
    """The `nir.NIRGraph` of `network`."""
    import nir

    readout = network[network.output]
    nodes: dict[str, Any] = {
        "input": nir.Input({"input": np.array([network.input_size])}),
        READOUT: nir.Affine(_numbers(readout.weight), _numbers(readout.bias)),
        "output": nir.Output({"output": np.array([readout.size])}),
    }
    recurrent: list[tuple[str, str]] = []
    forward: list[tuple[str, str]] = []
    for name in network.hidden:
        layer: LIF = network[name]
        neuron, w_rec = neuron_of(name), loop_of(name)
        nodes[neuron] = _neurons(layer, profile)
        for wire in network.wires_into(name):
            nodes[_weights_of(network, wire)] = nir.Linear(_numbers(layer.w_in[:, network.lines_of(wire)]))
            forward += [(_sender(wire), _weights_of(network, wire)), (_weights_of(network, wire), neuron)]
        if layer.w_rec is not None and not layer.recurrent_frozen:  # frozen at zero: an edge would only cost time
            nodes[w_rec] = nir.Linear(_numbers(layer.w_rec))
            recurrent += [(neuron, w_rec), (w_rec, neuron)]
            if profile.recurrence == "through_identity":
                nodes[same := f"{name}.identity"] = nir.Linear(np.eye(layer.size))
                recurrent[-1:] = [(w_rec, same), (same, neuron)]
    forward += [(_sender(wire), READOUT) for wire in network.wires_into(network.output)]
    card = _clock(network)
    form = profile.leaky if isinstance(readout, LeakyReadout) else "left_out"
    if form == "LI":
        nodes[INTEGRATORS] = _integrators(readout.card, readout.size, card, profile)
    elif form == "recurrence":
        share, loop, ones = readout.rate, loop_of(INTEGRATORS), np.eye(readout.size)
        nodes[READOUT] = nir.Affine(share * _numbers(readout.weight), share * _numbers(readout.bias))
        nodes |= {INTEGRATORS: nir.Linear(ones), loop: nir.Linear((1 - share) * ones)}
        recurrent += [(INTEGRATORS, loop), (loop, INTEGRATORS)]
    last = READOUT if form == "left_out" else INTEGRATORS
    forward += [(READOUT, last)] * (last != READOUT) + [(last, "output")]
    promise = {
        **asdict(profile.options(card, loops=form == "recurrence")),
        "gain": profile.gain,
        "neuron": card.name,
        "leaky": profile.leaky if isinstance(readout, LeakyReadout) else "none",
    }
    # Recurrent edges first: nirtorch (Norse) follows each node's edges in this order, and returns the node that it met last
    return nir.NIRGraph(nodes, recurrent + forward, metadata={"neurorec": promise})


def _sender(wire: Wire) -> str:
    return "input" if wire.source == INPUT else neuron_of(wire.source)


def _weights_of(network: Network, wire: Wire) -> str:
    """The name of the node with a wire's weights; for a plain chain, the name used in earlier versions."""
    return (
        W_IN if len(network.wires_into(wire.target)) == len(network.hidden) == 1 else f"{wire.source}.to.{wire.target}"
    )


def _clock(network: Network) -> SpikingCard:
    """The card with the length of a step; `why_not` ensures that all layers agree."""
    return next(iter(network.hidden.values())).card


def _layer_why_not(layer: Any) -> str | None:
    declared = vars(type(layer)).get("nir_why_not")  # a parent's declaration refers to another step
    if declared != "":
        other = RATE if layer.output_signal == "values" else f"its step is not that of NIR's CubaLIF; {CLOSEST_IN_NIR}"
        return declared or other
    if layer.learned_start is not None:
        return "its initial state is learned, but neurons in NIR start from rest; train it without learn_start"
    if layer.card.reset == "subtract" and layer.card.v_reset:
        return (
            f"its spikes subtract v_threshold - v_reset, with v_reset {layer.card.v_reset:g}, but simulators of NIR subtract "
            "the threshold; the closest export is the same network with v_reset = 0, trained as such"
        )
    return None


def _readout_why_not(network: Network) -> str | None:
    readout, clocks = network[network.output], [layer.card.dt_ms for layer in network.hidden.values()]
    resets = sorted({layer.card.reset for layer in network.hidden.values()})
    if len(resets) > 1:
        return f"its layers have the resets {' and '.join(resets)}, but a NIR simulation has one; give all the same"
    if len(set(clocks)) != 1:
        return "it has no spiking layer, or layers with different time steps, but a NIR simulation has one clock"
    if type(readout) not in (LinearReadout, LeakyReadout):
        return f'a readout of type {type(readout).__name__} has no NIR node; use the readout "linear" or "leaky"'
    if len(network.wires_into(network.output)) != 1 or network.heard_by(network.output):
        return "its readout hears several layers or feeds back; only a readout of one layer, without feedback, can be written"
    if isinstance(readout, LeakyReadout) and readout.card.dt_ms != clocks[0]:
        return (
            f"its readout has a step of {readout.card.dt_ms:g} ms and its neurons of {clocks[0]:g} ms, but a NIR "
            "simulation has one clock; give both the same dt_ms"
        )
    return None


def _neurons(cell: Any, profile: NirProfile) -> Any:
    import nir

    card, dt = cell.card, profile.options(cell.card).dt
    # r multiplies the current; scaling potentials equally preserves every comparison with the threshold
    steps_mem, steps_syn = (tau.ms.cpu().numpy() / card.dt_ms for tau in (cell.tau_mem, cell.tau_syn))  # tau/dt
    scale = 1.0 if profile.gain == "unit_resistance" else steps_mem

    def each(value: Any) -> np.ndarray:
        return np.broadcast_to(value, card.size).copy()  # float64: rounding is up to whoever runs the file

    return nir.CubaLIF(
        tau_syn=each(dt * steps_syn),
        tau_mem=each(dt * steps_mem),
        r=each(scale),
        v_leak=each(scale * card.v_leak),
        v_threshold=each(scale * card.v_threshold),
        v_reset=each(scale * card.v_reset),
        w_in=each(steps_syn),
    )


def _integrators(card: LeakyCard, size: int, neurons: SpikingCard, profile: NirProfile) -> Any:
    import nir

    tau = profile.options(neurons).dt * (card.tau_ms / card.dt_ms)
    return nir.LI(tau=np.full(size, tau), r=np.ones(size), v_leak=np.zeros(size))


def _numbers(weight: Any) -> np.ndarray:
    return weight.detach().cpu().numpy()


def strip_v_reset(written: Path | io.BytesIO, neurons: list[str]) -> None:
    """nir 1.0.4 fails on the unknown name v_reset; later versions treat its absence as zero."""
    import h5py

    with h5py.File(written, "r+") as file:
        for neuron in neurons:
            del file[f"node/nodes/{neuron}/v_reset"]

"""Networks as NIR files: Input -> Linear -> CubaLIF (<-> Linear) -> Affine [-> LI] -> Output, flat; any number of spiking
layers, each of which may receive input from several others.

The mapping that makes neurorec's LIF (Norse's step) exactly a CubaLIF: w_in = tau_syn/dt turns forward Euler's
dt/tau_syn into a jump of size one, and r = 1. The membrane reads the new current; the reset sets v to v_reset.
"""

import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neurorec.basics.errors import CannotRun, InputError, did_you_mean
from neurorec.basics.files import write_atomically
from neurorec.engines.on_nir import NirOptions
from neurorec.hardware.export.exporter import Exporter, exporters
from neurorec.models.cells.lif import CLOSEST_IN_NIR, LIF, SpikingCard
from neurorec.models.network import Network
from neurorec.models.readout import LeakyCard, LeakyReadout, LinearReadout
from neurorec.models.wires import AS_SENT, INPUT, Wire

W_IN, READOUT, INTEGRATORS = "w_in", "readout", "leaky"  # names inside the file

RATE = (
    "its units send values through nonlinearities (tanh, gates, winner-take-all), for which NIR has no node; "
    "the closest export is a spiking network of the same size"
)
CHOICES = {
    "nir_version": ("1.0.8", "legacy-1.0.4"),
    "time_unit": ("s", "ms", "steps"),
    "gain": ("unit_resistance", "unit_jump"),
}


@dataclass(frozen=True)
class NirProfile:
    """Options that NIR leaves to the writer. Defaults: seconds, the network's own dt, r = 1; readable with nir >= 1.0.6."""

    #: "legacy-1.0.4" omits v_reset, so that tools with nir <= 1.0.4 (Sinabs, Rockpool) can read it; needs v_reset 0
    nir_version: Literal["1.0.8", "legacy-1.0.4"] = "1.0.8"
    #: unit of the time constants; Norse, snnTorch and SpikingJelly read seconds, hxtorch ms, Sinabs steps
    time_unit: Literal["s", "ms", "steps"] = "s"
    #: "unit_resistance": r = 1, exactly the network's own numbers. "unit_jump": r = tau_mem/dt, with potentials and
    #: thresholds scaled by it (equal only in exact arithmetic), as required by snnTorch
    gain: Literal["unit_resistance", "unit_jump"] = "unit_resistance"
    #: dt for which time constants are written, preserving tau/dt; None: the network's. snnTorch assumes 1e-4 s
    dt_s: float | None = None

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            came = getattr(self, name)
            if came not in known:
                hint = did_you_mean(str(came), known)
                raise InputError(f'NIR profile: {name} "{came}" is not known{hint}; known: {", ".join(known)}')
        if self.dt_s is not None and not 0 < self.dt_s < float("inf"):
            raise InputError(f"NIR profile: dt_s must be a positive number of seconds (got {self.dt_s!r})")

    def options(self, card: SpikingCard) -> NirOptions:
        """The simulation options with which the file runs as the network did."""
        return NirOptions(dt_s=self.dt_s or card.dt_ms / 1e3, time_unit=self.time_unit)


#: the form that snnTorch 1.0.0 imports
SNNTORCH = NirProfile(gain="unit_jump", dt_s=1e-4)


@exporters.register("nir")
class NirExporter(Exporter):
    title = "NIR"
    Profile = NirProfile

    def why_not(self, network: Network) -> str | None:
        if not isinstance(network, Network):
            return "only networks of layers and wires can be written; export each layer as a network"
        hidden = network.hidden
        for name, layer in hidden.items():
            reason = _layer_why_not(layer)
            if reason is not None:
                return reason if len(hidden) == 1 else f'layer "{name}": {reason}'
        for wire in network.wires:
            if wire.delay or wire.carries != AS_SENT:
                return f"{wire} has a delay or applies a function; only plain wires can be written"
        return _readout_why_not(network)

    def write(self, network: Network, path: Path, profile: NirProfile | None = None) -> None:
        import nir

        self.check(network)
        profile = profile or NirProfile()
        legacy = profile.nir_version == "legacy-1.0.4"
        resets = [layer.card.v_reset for layer in network.hidden.values() if layer.card.v_reset != 0]
        if legacy and resets:
            raise CannotRun(
                f"NIR profile legacy-1.0.4 has no v_reset and resets to 0, but this network resets to "
                f'{resets[0]:g}; use nir_version "1.0.8"'
            )
        file: Any = io.BytesIO()  # HDF5 crashes where a disk is full
        nir.write(file, nir_graph(network, profile))
        if legacy:
            _strip_v_reset(file, [neuron_of(name) for name in network.hidden])
        try:
            write_atomically(path, file.getvalue())
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error}); choose a writable folder") from None


def neuron_of(layer: str) -> str:
    """The name of a layer's neurons in the file."""
    return f"{layer}.lif"


def nir_graph(network: Network, profile: NirProfile) -> Any:
    """The `nir.NIRGraph` of `network`."""
    import nir

    readout = network[network.output]
    nodes: dict[str, Any] = {
        "input": nir.Input({"input": np.array([network.input_size])}),
        READOUT: nir.Affine(_numbers(readout.weight), _numbers(readout.bias)),
        "output": nir.Output({"output": np.array([readout.size])}),
    }
    edges: list[tuple[str, str]] = []
    for name in network.hidden:
        layer: LIF = network[name]
        neuron, recurrent = neuron_of(name), f"{name}.w_rec"
        nodes[neuron] = _neurons(layer, profile)
        for wire in network.wires_into(name):
            nodes[_weights_of(network, wire)] = nir.Linear(_numbers(layer.w_in[:, network.lines_of(wire)]))
            edges += [(_sender(wire), _weights_of(network, wire)), (_weights_of(network, wire), neuron)]
        if not layer.recurrent_frozen:  # frozen at zero: an edge would only cost time
            nodes[recurrent] = nir.Linear(_numbers(layer.w_rec))
            edges += [(neuron, recurrent), (recurrent, neuron)]
    edges += [(_sender(wire), READOUT) for wire in network.wires_into(network.output)]
    card = _clock(network)
    if isinstance(readout, LeakyReadout):
        nodes[INTEGRATORS] = _integrators(readout.card, readout.size, card, profile)
        edges += [(READOUT, INTEGRATORS), (INTEGRATORS, "output")]
    else:
        edges += [(READOUT, "output")]
    promise = {**asdict(profile.options(card)), "gain": profile.gain, "neuron": card.name}
    return nir.NIRGraph(nodes, edges, metadata={"neurorec": promise})


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
    if layer.card.reset != "zero":
        return (
            f'its reset is "{layer.card.reset}", but NIR\'s CubaLIF sets the potential to v_reset; the closest export is the '
            'same network with reset = "zero", trained as such'
        )
    return None


def _readout_why_not(network: Network) -> str | None:
    readout, clocks = network[network.output], [layer.card.dt_ms for layer in network.hidden.values()]
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


def _strip_v_reset(written: io.BytesIO, neurons: list[str]) -> None:
    """nir 1.0.4 fails on the unknown name v_reset; later versions treat its absence as zero."""
    import h5py

    with h5py.File(written, "r+") as file:
        for neuron in neurons:
            del file[f"node/nodes/{neuron}/v_reset"]

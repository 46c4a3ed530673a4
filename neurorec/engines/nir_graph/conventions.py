"""The conventions of other simulators by name, as the options under which their spikes are reproduced.

Each says what the simulator does with the file's numbers, read in its source. What it ignores (r of a LIF in snnTorch, say)
is not imitated: docs/nir.md lists it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from neurorec.basics.errors import InputError, did_you_mean
from neurorec.engines.nir_graph.nir_options import NirOptions

#: options that belong to a file or a machine rather than to a simulator's convention
OF_THE_FILE = ("dt_s", "time_unit", "precision")


@dataclass(frozen=True)
class Convention:
    """`changes`: options that differ from the defaults (dt_s: only where the simulator has one fixed step)."""

    changes: Mapping[str, object]
    source: str  #: where its code says so

    @property
    def options(self) -> dict[str, object]:
        """Every option that the convention decides; the file's own (dt_s, unit, precision) stay open."""
        defaults = {field.name: field.default for field in fields(NirOptions) if field.name not in OF_THE_FILE}
        return {**defaults, **self.changes}


CONVENTIONS: dict[str, Convention] = {
    "norse": Convention(
        {"recurrent_bias_at_start": False, "if_gain": "one"},
        "norse 1.1.0: torch/utils/import_nir.py, torch/functional/lif_box.py; first step: nirtorch 2.6, graph_executor.py",
    ),
    "snntorch": Convention(
        {"dt_s": 1e-4, "arithmetic": "decay", "if_gain": "one"},
        "snntorch 1.0.0: import_nir.py (dt = 1e-4, reset_delay=False), _neurons/leaky.py, _neurons/synaptic.py",
    ),
    "spyx": Convention(
        {
            "reset": "subtract",
            "arithmetic": "decay",
            "if_gain": "one",
            "layers_delayed": True,
            "output_delayed": True,
        },
        "spyx 1.0.0: nir.py, nn.py (CuBaLIF, RCuBaLIF: spikes are those of the potential before the update)",
    ),
    "sinabs": Convention(
        {
            "integrator": "exponential_decay",
            "reset": "subtract",
            "several_spikes": True,
            "lower_bound": "if",
            "arithmetic": "decay",
            "if_gain": "one",
        },
        "sinabs 3.1.3: nir.py (IF: min_v_mem = -v_threshold), layers/functional/lif.py, activation/spike_generation.py",
    ),
    "rockpool": Convention(
        {
            "integrator": "exponential_decay",
            "reset": "subtract",
            "several_spikes": True,
            "arithmetic": "decay",
        },
        "rockpool 3.1.0: nn/modules/torch/lif_neuron_torch.py (vmem *= exp(-dt/tau); floor(vmem / threshold) spikes)",
    ),
    "lava": Convention(
        {"dt_s": 1e-4, "arithmetic": "decay"},
        "lava: proc/lif/models.py (PyLifModelFloat); NIR: paper/nir_to_lava.py (dt = 1e-4, dv = dt/tau, weights times dt/tau)",
    ),
}


def convention(name: str) -> Convention:
    """The convention called `name`. Raises `InputError` for any other name."""
    if name not in CONVENTIONS:
        known = ", ".join(CONVENTIONS)
        raise InputError(f'NIR option like="{name}" is not known{did_you_mean(name, CONVENTIONS)}; known: {known}')
    return CONVENTIONS[name]

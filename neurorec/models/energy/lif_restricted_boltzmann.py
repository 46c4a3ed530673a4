"""A restricted Boltzmann machine of LIF neurons (Neftci et al. 2014)."""

import numpy as np

from neurorec.basics.numbers import TimeMs
from neurorec.models.energy.model import energy_models
from neurorec.models.energy.restricted_boltzmann import RestrictedBoltzmann, RestrictedBoltzmannCard
from neurorec.models.layer import StepOperations

DT_MS = 0.1


class LIFRestrictedBoltzmannCard(RestrictedBoltzmannCard):
    clamped_ms: (
        TimeMs  #: for which a sample holds the visible neurons, from the start; `max_sweeps` steps of 0.1 ms are run
    )


@energy_models.register("lif_restricted_boltzmann")
class LIFRestrictedBoltzmann(RestrictedBoltzmann):
    """Neurons in a high-conductance state, which sample approximately from the machine with the same weights; they are run in
    `engines/lif_machine.py`. Densities, `sweep` and `update` are those of the exact machine."""

    Card = LIFRestrictedBoltzmannCard
    title = "restricted Boltzmann machine of LIF neurons"
    output_signal = "spikes"
    by_events = True
    equations = (
        "c_mem dv/dt = g_leak (v_leak - v) + g_exc (v_exc - v) + g_inh (v_inh - v) + I;\n"
        "v > v_threshold: spike, and on for tau_ref;   g_exc, g_inh: background noise;\n"
        "I: of bias and synapses, so that p(on) = sigmoid(bias + sum of w over neurons on), approximately;\n"
        "E = -sum over i, j of v_i w_ij h_j - sum over i of b_i v_i - sum over j of c_j h_j"
    )
    sources = ("neftci2014", "petrovici2016")
    example = {**RestrictedBoltzmann.example, "max_sweeps": 300, "clamped_ms": 10.0}  # noqa: RUF012
    card: LIFRestrictedBoltzmannCard

    @property
    def dt_ms(self) -> float:
        return DT_MS

    def operations(self) -> StepOperations:
        """Per neuron and step: two conductances, the synaptic current and the trace decay (4), two Poisson numbers are added
        (2), the membrane's currents are summed (3 products and 4 sums, twice 1 for reversal potentials, 2 for the step), and
        the threshold is compared (1). Spikes of the background are not counted as events."""
        N, V, H = self.size, self.visible, self.hidden
        return StepOperations(
            input_fan_out=np.zeros(N, np.int64),
            recurrent_fan_out=np.repeat(np.array([H, V], np.int64), [V, H]),
            recurrent_signal="spikes",
            neuron_updates=N,
            elementwise=18 * N,
            nonlinearities=0,
            state_values=5 * N,
            tape_values=0,
        )

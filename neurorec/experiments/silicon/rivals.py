"""Other estimators of the same points: prices per operation only.

KerasSpiking's table (key keras_spiking; one operation per synapse and inference; neurons, below 1 % of the
operations here, are omitted except on Loihi), and the 26 pJ per event usually quoted for TrueNorth.
"""

KERAS_PJ = {"cpu": 8600.0, "gpu": 300.0, "arm": 900.0, "spinnaker": 13300.0, "loihi": 27.1}
KERAS_LOIHI_NEURON_PJ = 81.0
TRUENORTH_EVENT_PJ = 26.0


def keras_uJ(device: str, operations: float) -> float:
    return KERAS_PJ[device] * operations * 1e-6

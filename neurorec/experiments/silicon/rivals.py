"""Other estimators of the same points: prices per operation only (rivals.toml).

KerasSpiking charges one operation per synapse and inference; its price per neuron is used on Loihi only, since neurons are
few among the operations here.
"""

from pathlib import Path
from typing import Any

from neurorec.basics.cards import read_toml

_PRICES: dict[str, dict[str, Any]] = read_toml(Path(__file__).with_name("rivals.toml"))
KERAS_PJ = _PRICES["keras_spiking"]
TRUENORTH_EVENT_PJ: float = _PRICES["truenorth"]["event"]


def keras_uJ(device: str, operations: float) -> float:
    return KERAS_PJ[device] * operations * 1e-6

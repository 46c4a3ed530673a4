"""Initial states that samples give to units, one way to give input to a network ("Learning in recurrent networks")."""

import torch
from torch import Tensor

from neurorec.basics.errors import InputError
from neurorec.models.network import Network
from neurorec.models.running import NetworkState


def given_start(network: Network, start: Tensor | None) -> NetworkState | None:
    """The initial state with the values [B, S] that samples give to the first S units of every layer in `takes_start`; None if
    they give none.

    Raises
    ------
    InputError
        If no layer takes them, or one is too small.
    """
    if start is None:
        return None
    if not network.takes_start:
        raise InputError("the samples give initial states, but no layer takes them; set takes_start = true for one")
    state, units = network.initial_state(len(start)), start.shape[1]
    for name in network.takes_start:
        layer, own = network[name], state.layers[name]
        field = layer.given_field or next(iter(layer.start_fields), "")
        size = layer.size if field else 0
        if units > size or (layer.given_field and units < size):
            raise InputError(f'the samples give initial states of {units} units, but layer "{name}" has {size} to set')
        values = getattr(own, field)
        set_values = torch.cat([start.to(values), values[:, units:]], 1)
        state.layers[name] = own._replace(**{field: set_values})
    return state

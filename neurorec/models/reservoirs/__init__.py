"""Fixed random recurrent layers, of which only a readout is trained. Importing this folder registers them."""

from neurorec.models.reservoirs import echo_state, liquid_state

__all__ = ["echo_state", "liquid_state"]

"""How weights change. Importing this folder registers the rules."""

from neurorec.learning import assignment, bptt, competitive, eprop, hebbian, policy_gradient, ridge, stdp

__all__ = ["assignment", "bptt", "competitive", "eprop", "hebbian", "policy_gradient", "ridge", "stdp"]

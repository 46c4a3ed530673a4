"""What a faulty description is told, word for word."""

import re

import pytest

from neurorec.basics.errors import InputError
from neurorec.hardware.chips.chip import load_chip
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.description import described_work, load_description
from neurorec.hardware.workload.description.layers import write_out
from tests.hardware.workload.description.made_up import made

HIDDEN = {"name": "hidden", "size": 7, "spikes_per_step": 0.5}
FAULTY = [
    ({"neuron": "relu"}, "hidden"),
    ({"layer": [{"name": "a", "size": 7}, HIDDEN]}, 'layer "a" spikes: give spikes_per_step or rate_Hz (0 for no spikes)'),
    ({"layer": [HIDDEN, HIDDEN]}, 'two layers are called "hidden"; names must be unique'),
    (
        {"layer": [HIDDEN, {"name": "b", "size": 2, "hears": ["hiden"]}]},
        'layer "b" hears "hiden", which is not an earlier layer (did you mean "hidden"?)',
    ),
    ({"input": {"size": 5, "signal": "spikes"}}, "needs one of spikes_per_step, rate_Hz, spikes_per_inference"),
    ({"input": {"size": 5, "signal": "values", "rate_Hz": 3.0}}, "an input of values has no firing rate; omit it"),
    ({"layer": [HIDDEN | {"rate_Hz": 3.0}]}, "give spikes_per_step or rate_Hz, not both"),
    ({"layer": [HIDDEN | {"recurrent": True, "recurrent_fan_in": 3}]}, "give recurrent = true or recurrent_fan_in, not both"),
    ({"dt_ms": None, "waits": True}, "rate_Hz and waits need dt_ms, the length of a step"),
    ({"layer": [{"name": "a", "size": 7, "rate_Hz": 2000.0}]}, "2000 Hz is more than one spike per step of 1 ms"),
    ({"steps": 0}, "made.toml: steps: must be greater than 0 (got 0)"),
    ({"layer": []}, "made.toml: layer: List should have at least 1 item"),
    ({"layer": [{"name": "a", "sise": 7}]}, 'key "sise" is not known (did you mean "size"?)'),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "told"), FAULTY)
def test_a_faulty_description_is_told_what_to_do(changes, told):
    with pytest.raises(InputError, match=re.escape(told)):
        made(**changes)


def test_a_fan_in_larger_than_what_there_is():
    with pytest.raises(InputError, match=re.escape('layer "hidden": fan_in = 9, but its sources have only 5 units')):
        write_out(made(layer=[HIDDEN | {"fan_in": 9}]))
    with pytest.raises(InputError, match=re.escape("recurrent_fan_in = 9, but it has only 7 units")):
        write_out(made(layer=[HIDDEN | {"recurrent_fan_in": 9}]))


def test_there_is_no_such_description(tmp_path):
    with pytest.raises(InputError, match="there is no such description; copy one from docs/networks/ and edit it"):
        load_description(tmp_path / "net.toml")


def test_spiking_input_is_asked_for_in_words():
    net = made(input={"size": 5, "signal": "values"})
    assert price(described_work(net), load_chip("loihi1")).why_not.startswith(
        "its input lines carry values, but the chip takes spikes"
    )

"""`neurorec show` of networks with several layers."""

from pathlib import Path

from neurorec.report.showing import print_member
from neurorec.training import load_pair


def test_what_each_layer_hears(capsys):
    print_member("deep_transition")
    shown = capsys.readouterr().out
    assert "inner hears input, state (delayed); state hears inner, state (delayed); readout hears state" in shown


def test_a_deep_network_is_shown_in_few_lines(capsys):
    print_member("residual_50_layers")
    shown = capsys.readouterr().out
    assert "rate half: feed-forward + 48 x residual" in shown
    assert "body_1 to body_48: name = residual, size = 64" in shown
    assert "  all other layers hear the one before them" in shown
    assert "body_2" not in shown


def test_constraints_are_shown(capsys, tmp_path):
    text = Path(load_pair("stacked_with_skips").path).read_text()
    card = tmp_path / "held.toml"
    card.write_text(
        text.replace("[rate.layers.second]", '[rate.layers.second]\nfixed = ["input"]\ndale_excitatory_share = 0.5')
    )
    print_member(str(card))
    shown = capsys.readouterr().out
    assert "constraint: the weights of the wire input -> second are fixed" in shown
    assert "constraint: 0.5 of the units of second only excite, the others only inhibit" in shown

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


def test_a_missing_half_is_explained_and_one_epoch_is_singular(capsys):
    print_member("fractal_prediction")
    shown = capsys.readouterr().out
    assert "no spiking half: its states are points of a fractal" in shown
    assert "trained by context_counts on feigenbaum, 1 epoch\n" in shown


def test_keys_without_a_value_are_left_out(capsys):
    print_member("rbm")
    assert "None" not in capsys.readouterr().out


def test_documentation_is_indented_and_says_what_it_is_about(capsys):
    print_member("evidence_lower_bound")
    shown = capsys.readouterr().out
    assert shown.startswith("evidence_lower_bound: an objective\n")
    assert "\n  Answers y [B, 1] are lower bounds" in shown
    print_member("delayed_match_to_sample")
    assert capsys.readouterr().out.startswith("delayed_match_to_sample: an environment\n")


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

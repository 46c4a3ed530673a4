"""Episodes that are shown are played as those that are scored; the world drawn is the one observed."""

import statistics

import pytest
import torch

from neurorec.analysis.analysis import analyse_network
from neurorec.analysis.episode_shown import played
from neurorec.basics.errors import CannotRun
from neurorec.basics.seeds import torch_generator
from neurorec.engines.engine import choose_engine
from neurorec.tasks.encoded_task import EncodedTask
from neurorec.tasks.task import load_task
from neurorec.training import load_pair
from neurorec.training.course import Episodes

EPISODES = 6


def subject(half, seed=0):
    world, loaded = load_task("cart_pole", 0), load_pair("cart_pole").half(half)
    network = loaded.build(world.inputs, world.outputs, torch.Generator().manual_seed(seed))
    return network, world, loaded.encoder


@pytest.mark.parametrize("half", ["rate", "spiking"])
def test_they_are_played_as_episodes_that_are_scored(half):
    network, world, encoder = subject(half)
    scored = Episodes(network, world, encoder, choose_engine("auto", network), "cpu", None)
    expected, batch = scored._play(EPISODES, torch.Generator().manual_seed(3), draws=False)
    with torch.no_grad():
        seen = played(network, world, encoder, EPISODES, torch.Generator().manual_seed(3))
        sent = choose_engine("auto", network).sent(network, batch)
    assert len(expected.returns.unique()) > 1
    assert torch.equal(seen.rewards.sum(0), expected.returns)
    assert torch.equal(seen.running, expected.running)
    if half == "rate":  # spikes may differ where a sum is within rounding of the threshold
        running = batch.mask[..., None]
        assert (seen.sent["hidden"] - sent["hidden"])[running.expand_as(sent["hidden"])].abs().max() < 1e-4


def test_the_episode_of_median_reward_is_drawn_frame_by_frame():
    network, world, encoder = subject("spiking")
    found = analyse_network("episode_shown", network, EncodedTask(world, encoder, 0), {"episodes": EPISODES})
    with torch.no_grad():
        seen = played(network, world, encoder, EPISODES, torch_generator(0, "cart_pole shown"))
    rewards = seen.rewards.sum(0).tolist()
    assert found.values == {"median reward": statistics.median_low(rewards), "lowest reward": min(rewards)}
    cart, pole = world.drawn(world.reset(EPISODES, torch_generator(0, "cart_pole shown"))).values()
    assert torch.equal(torch.stack([*seen.drawn[0].values()]), torch.stack([cart, pole]))
    shown = rewards.index(found.values["median reward"])
    lines, spikes = found.figures
    for name, (frames, values) in lines.lines.items():
        assert frames == list(range(int(found.values["median reward"])))
        assert values == [float(each[name][shown]) for each in seen.drawn[: len(frames)]]
    assert len(spikes.neurons) == int(seen.sent["hidden"][: 2 * len(frames), shown].sum()) > 0


def test_what_is_drawn_of_a_cart_is_what_its_lines_carry():
    world = load_task("cart_pole", 0)
    seen = world.reset(EPISODES, torch.Generator().manual_seed(0))
    for action in (0, 1, 1, 0):
        cart, pole = world.drawn(seen).values()
        place = torch.stack([-cart, cart, -pole, pole], 1).clamp(0, 1)
        assert torch.equal(place, seen.observation)
        seen = world.step(seen, torch.full((EPISODES,), action))[1]
    assert list(load_task("delayed_match_to_sample", 0).drawn(seen)) == ["line 0", "line 1", "line 2", "line 3"]


def test_networks_that_answer_samples_have_no_episodes_to_show_and_the_other_way_round():
    network, world, encoder = subject("rate")
    with pytest.raises(CannotRun, match=r"^analysis trained_exponents of .* on cart_pole: its samples are episodes$"):
        analyse_network("trained_exponents", network, EncodedTask(world, encoder, 0), {})
    half = load_pair("lif_vs_elman").rate
    other = (
        half.build(8, 10, torch.Generator().manual_seed(0)),
        EncodedTask(load_task("row_digits", 0), half.encoder, 0),
    )
    with pytest.raises(CannotRun, match=r"^analysis episode_shown of .* on row_digits: its samples are not episodes$"):
        analyse_network("episode_shown", *other, {"episodes": 1})

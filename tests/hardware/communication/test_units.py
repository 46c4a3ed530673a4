"""Units shared among workers: every message counted one by one, against the closed counts."""

import numpy as np
import pytest

from neurorec.basics.errors import InputError
from neurorec.hardware.communication.units import ObservedEpoch, deal_units, described, units_traffic
from neurorec.learning.rule import Messages, rules

T, N, H, O = 5, 4, 11, 3  # noqa: E741
MESSAGES = {rule: rules[rule].messages for rule in ("bptt", "eprop", "eventprop", "stdp", "rtrl")} | {
    "reward-stdp": Messages(errors=False, signals="one", online=True, why="one number is broadcast", sources=())
}


def made_up_net(spiking: bool, dense: bool) -> tuple[ObservedEpoch, np.ndarray]:
    """A random raster [T, N, H] and the net that it came from."""
    rng = np.random.default_rng(2)
    raster = rng.random((T, N, H)) < 0.3
    targets = None if dense else rng.random((H, H)) < 0.2
    if targets is not None:
        targets[4] = False  # a unit that only the readout hears
    spikes = raster.sum((0, 1)) if spiking else None
    fed_back = raster[:-1].sum((0, 1)) if spiking else None
    return ObservedEpoch("made up", 6, H, O, T, N, 200, spikes, fed_back, targets), raster


def count_one_by_one(net: ObservedEpoch, raster: np.ndarray, workers: int, rule: str) -> dict[str, object]:
    """Every sample, step, unit and worker; the readout and its errors are with worker 0."""
    messages, spiking = MESSAGES[rule], net.spikes is not None
    home = [int(np.flatnonzero([u in share for share in np.array_split(np.arange(H), workers)])[0]) for u in range(H)]
    counts = {"forward": 0, "errors": 0, "signals": 0}
    sent, received = np.zeros(workers, dtype=int), np.zeros(workers, dtype=int)

    def send(kind: str, start: int, end: int) -> None:
        counts[kind] += 1
        sent[start] += 4
        received[end] += 4

    for n in range(N):
        for t in range(T):
            for j in range(H):
                listeners = {0}
                if t < T - 1:
                    listeners |= {home[k] for k in range(H) if net.targets is None or net.targets[j, k]}
                for part in sorted(listeners - {home[j]}):
                    if raster[t, n, j] or not spiking:
                        send("forward", home[j], part)
                    if messages.errors and (raster[t, n, j] or not messages.errors_at_spikes or not spiking):
                        send("errors", part, home[j])
                    for _ in range(net.trained_numbers if messages.derivatives else 0):
                        send("errors", home[j], part)
            for _ in range({"none": 0, "one": 1, "outputs": O}[messages.signals]):
                for part in range(1, workers):
                    send("signals", 0, part)
    return {**counts, "busiest": int(max(sent.max(), received.max()))}


@pytest.mark.parametrize("rule", MESSAGES)
@pytest.mark.parametrize("workers", [1, 2, 3, 11])
@pytest.mark.parametrize("dense", [True, False], ids=["dense", "sparse"])
@pytest.mark.parametrize("spiking", [True, False], ids=["spikes", "values"])
def test_counts_equal_a_count_one_by_one(rule, workers, dense, spiking):
    net, raster = made_up_net(spiking, dense)
    traffic = units_traffic(net, deal_units(net, workers), MESSAGES[rule], batch=2)
    by_hand = count_one_by_one(net, raster, workers, rule)
    assert (traffic.spikes, traffic.forward_values) == ((by_hand["forward"], 0) if spiking else (0, by_hand["forward"]))
    assert (traffic.errors, traffic.signals) == (by_hand["errors"], by_hand["signals"])
    assert traffic.busiest_bytes == by_hand["busiest"]
    assert traffic.total_bytes == 4 * (by_hand["forward"] + by_hand["errors"] + by_hand["signals"])
    assert traffic.merged == 0


def test_only_rules_with_errors_or_derivatives_send_more_and_stdp_sends_least():
    net, _ = made_up_net(spiking=True, dense=True)
    shares = deal_units(net, 4)
    by_rule = {rule: units_traffic(net, shares, messages, 2) for rule, messages in MESSAGES.items()}
    assert {rule for rule, traffic in by_rule.items() if traffic.errors} == {"bptt", "eventprop", "rtrl"}
    assert by_rule["eventprop"].errors == by_rule["eventprop"].spikes < by_rule["bptt"].errors
    assert by_rule["rtrl"].errors == by_rule["bptt"].errors * net.trained_numbers
    assert by_rule["eprop"].signals == O * T * N * 3
    assert by_rule["reward-stdp"].signals == T * N * 3
    assert by_rule["stdp"].values == 0
    assert min(by_rule, key=lambda rule: by_rule[rule].total_bytes) == "stdp"


def test_rounds_a_batch_shares_and_an_online_rule_does_not():
    net, _ = made_up_net(spiking=True, dense=True)
    shares = deal_units(net, 3)
    assert units_traffic(net, shares, MESSAGES["bptt"], batch=2).waits_overlapped == 2 * T * 2  # forward and backward
    assert units_traffic(net, shares, MESSAGES["eprop"], batch=3).waits_overlapped == 2 * T
    assert units_traffic(net, shares, MESSAGES["stdp"], batch=3).waits_overlapped == N * T
    assert units_traffic(net, shares, MESSAGES["stdp"], batch=3).waits == N * T * 2


def test_a_described_net_has_the_numbers_of_its_sizes():
    net = described(8, 128, 10, steps=64, samples=100, activity=0.05)
    assert net.trained_numbers == 8 * 128 + 128 * 128 + 128 * 10 + 10
    assert net.spikes_per_unit_and_step == pytest.approx(0.05)
    assert described(8, 128, 10, 64, 100, None).spikes is None


def test_more_workers_than_units_are_refused():
    net, _ = made_up_net(spiking=True, dense=True)
    with pytest.raises(InputError, match=r"^12 workers for 11 units: some would have none; use at most 11$"):
        deal_units(net, 12)

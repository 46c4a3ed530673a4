"""A communication study from card to page, on a net of 12 units."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from neurorec.basics.errors import InputError
from neurorec.experiments.communication import run_communication as run
from neurorec.experiments.communication.communication_card import load_communication
from neurorec.experiments.communication.count import UPDATE
from neurorec.experiments.communication.observe import Job, observe_epoch
from neurorec.experiments.kind import Asked, run_kind
from neurorec.experiments.kinds.communication_kind import Communication
from neurorec.experiments.runner import Watcher
from neurorec.experiments.verbs import check_file
from neurorec.experiments.workloads import read_work
from neurorec.hardware.communication.ring import merge_traffic
from neurorec.report.communication.shared_training import print_communication, refuse_half_asked
from neurorec.report.communication.sharing_answer import answer, place
from neurorec.report.page import markdown
from neurorec.report.pages import page_of
from neurorec.report.pages.communication_page import ring_verdict
from neurorec.report.studies import load_results, rebuild_folder, run_asked, write_report
from tests.experiments.tiny import write_study

CARD = """
kind = "communication"
about = "a made-up study"
question = "Does it work?"
batch_size = 256
workers = [1, 2, 4, 8, 16]
seeds = [0]
links = ["nvlink_c2c", "hop_truenorth", "infiniband_ndr"]
report_links = ["infiniband_ndr"]
unit_links = ["infiniband_ndr"]
chips = ["loihi1", "cmos_7nm"]
largest_hidden = 64
ring_workers = []
[published_rule.reward]
title = "STDP with a reward"
needs = ["spike traces"]
errors = false
signals = "one"
online = true
why = "one number is broadcast"
sources = ["izhikevich2007"]
[[net]]
pair = "tiny"
half = "spiking"
rule = "bptt"
task = "row_digits"
count_rules = ["bptt", "eprop", "stdp", "reward"]
[[net]]
pair = "tiny"
half = "rate"
rule = "bptt"
task = "row_digits"
count_rules = ["bptt"]
[[finding]]
claim = "Two workers that share samples send so many bytes."
measure = "bytes"
pair = "tiny"
half = "spiking"
merge = "every update"
workers = 2
[[finding]]
claim = "BPTT sends more than STDP."
measure = "bytes"
pair = "tiny"
half = "spiking"
rule = "bptt"
over = "stdp"
workers = 2
[[finding]]
claim = "A ring is checked."
measure = "ring bytes / formula"
bar = 1.0
[quick]
seeds = [0]
max_epochs = 1
max_samples = 64
ring_workers = []
"""


def write_card(folder, old="", new=""):
    write_study(folder, task="row_digits")  # the pair tiny.toml
    assert old in CARD
    path = folder / "talk.toml"
    path.write_text(CARD.replace(old, new) if old else CARD)
    return path


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    home = tmp_path_factory.mktemp("communication")
    patch = pytest.MonkeyPatch()
    patch.setattr(run, "processes", lambda jobs: ThreadPoolExecutor(1))
    kind = Communication()
    yield run_kind(kind, kind.prepare(Asked(str(write_card(home)), out=home / "out")), Watcher())
    patch.undo()


def test_counts_are_those_of_the_net_that_was_watched(results):
    net = results.nets[0]
    assert (net.net, net.hidden, net.trained_numbers) == ("tiny spiking", 12, 12 * (8 + 12 + 10) + 10)
    by_way = {(row.split, row.rule, row.merge, row.workers): row for row in results.bytes if row.net == net.net}
    updates = -(-net.samples // results.batch_size)
    for P in (1, 2, 4, 8, 16):
        expected = merge_traffic(net.trained_numbers, P, updates).total_bytes
        assert by_way["data", "any", UPDATE, P].total_bytes == [expected]
    between, last = net.samples * (net.steps - 1) * 12, net.samples
    errors = by_way["units", "bptt", "", 2]  # 6 units on each side; the readout is with the first
    assert errors.errors == [between + last * 6]
    assert by_way["units", "stdp", "", 2].spikes == errors.spikes
    assert by_way["units", "eprop", "", 4].signals == [net.samples * net.steps * 10 * 3]
    assert ("units", "bptt", "", 16) not in by_way  # 12 units do not make 16 shares
    assert net.activity[0] > 0


def test_no_price_beyond_a_links_reach_and_none_that_is_not_known(results):
    for row in results.prices:
        reaches = row.link != "nvlink_c2c" or row.workers <= 2
        assert bool(row.why_not) == (not reaches)
        assert (row.energy_pJ is None) == (not reaches)
        if row.workers > 1:
            assert (row.time_s is None) == (not reaches or row.link == "hop_truenorth")
            assert row.energy_at_least == (row.link == "hop_truenorth")
        if row.energy_pJ is not None:
            assert row.energy_low_pJ <= row.energy_pJ <= row.energy_high_pJ


def test_crossovers_of_joules_lie_where_the_prices_cross(results):
    computing = {(row.net, row.rule, row.chip): row for row in results.computing}
    priced = {(r.net, r.split, r.rule, r.merge, r.link, r.workers): r for r in results.prices}
    checked = 0
    for row in results.crossovers:
        if row.kind != "joules":
            continue
        split, chip = row.first_thing.split()[1], row.second_thing.split()[-1]
        key = (row.net, split, "any" if split == "data" else row.rule, UPDATE if split == "data" else "", row.link)
        level = computing[row.net, row.rule, chip].energy_pJ
        for P in (2, 4, 8, 16):
            at_P = priced.get((*key, P))
            if at_P is None or at_P.energy_pJ is None:
                continue
            assert (at_P.energy_pJ > level) == (row.at is not None and row.at <= P)
            checked += 1
    assert checked > 20


def test_what_a_chip_cannot_train_has_the_reason(results):
    refused = {(row.rule, row.chip): row.why_not for row in results.computing
               if row.energy_pJ is None and row.net == "tiny spiking"}  # fmt: skip
    assert "cannot run a backward pass" in refused["bptt", "loihi1"]
    assert refused["reward", "cmos_7nm"] == "it is not implemented here, so its operations are not counted"
    assert refused["eprop", "loihi1"] == "its card prices pairwise STDP only"
    assert ("eprop", "cmos_7nm") not in refused


def test_a_page_its_files_and_back_again(results):
    path = write_report(results)
    text = path.read_text()
    assert answer(results)[0].split(";")[0] in text
    assert "None" not in re.sub(r"<svg.*?</svg>|href=\"[^\"]*\"", "", text, flags=re.DOTALL)
    assert text.count("<figure>") == 13  # 7 of a spiking net, 6 of a net that sends values
    assert "the ring was not checked" in markdown(page_of(results)).lower()
    again = load_results(path.parent)
    assert again == results
    lines = path.with_name("results.csv").read_text().splitlines()
    assert len(lines) == 1 + len(results.prices)
    text_before = path.read_text()
    rebuild_folder(path.parent)
    assert path.read_text() == text_before


def test_claims_are_measured_in_bytes_and_ratios(results):
    bytes_sent, ratio = results.findings.findings
    by_way = {
        (row.rule, row.merge): row.total_bytes for row in results.bytes if (row.net, row.workers) == ("tiny spiking", 2)
    }
    assert bytes_sent.values == tuple(map(float, by_way["any", UPDATE]))
    assert ratio.values == (by_way["bptt", ""][0] / by_way["stdp", ""][0],)
    assert ratio.metric == "bytes relative to STDP"
    assert results.findings.not_measured == ("A ring is checked.",)
    assert results.findings.seeds == (0,)


def test_the_answer_compares_the_rules_in_two_sentences(results):
    shared, cut = answer(results)
    assert shared.startswith("When 8 workers share the samples of ")
    assert cut.startswith("When they share the units, BPTT sends ")
    assert [sentence.count(". ") for sentence in (shared, cut)] == [0, 0]


def test_places_in_words(results):
    row = replace(results.crossovers[0], first=2, last=1024, at=21, earliest=8, latest=None)
    assert place(row) == "21 [8 to none]"
    assert place(replace(row, at=None, earliest=None)) == "none up to 1,024"
    assert place(replace(row, at=None, earliest=66)) == "none up to 1,024 (possible from 66)"
    assert place(replace(row, at=2, earliest=2, latest=2)) == "2"


def test_rings_that_differ_from_the_formula_are_said_to(results):
    from neurorec.experiments.communication.communication_results import RingRow

    right = RingRow("own", 2, 7, 56, 56, 4, 632, True)
    assert "exactly the number of bytes of the formula" in ring_verdict(replace(results, rings=[right]))
    assert "144 bytes of gloo's headers" in ring_verdict(replace(results, rings=[right]))
    for wrong in (replace(right, payload_bytes=60), replace(right, right=False)):
        assert "differ from the formula" in ring_verdict(replace(results, rings=[right, wrong]))
    assert ring_verdict(replace(results, ring_failed="no network")).endswith("on this machine: no network.")


def test_the_same_seed_is_watched_the_same(tmp_path):
    net = load_communication(write_card(tmp_path)).card.net[0]
    job = Job(net, 0, (), 64, 1, 32)
    one, other = observe_epoch(job), observe_epoch(job)
    assert (one.net.spikes == other.net.spikes).all()
    assert one.net.samples == 32
    assert (one.net.fed_back <= one.net.spikes).all()


FAULTS = [
    ('"bptt", "eprop", "stdp"', '"bptt", "e-prop"', 'the communication of rule "e-prop" is not known (did you mean "eprop"?)'),
    ('needs = ["spike traces"]', 'needs = ["traces"]', 'capability "traces" is not known'),
    ('count_rules = ["bptt"]', 'count_rules = ["stdp"]', "net: tiny, rate half: STDP pairs spikes, but its units send values"),
    ("workers = [1, 2, 4, 8, 16]", "workers = [2, 4]",
     "workers must be distinct, in ascending order, starting with 1 (got [2, 4])"),
    ('report_links = ["infiniband_ndr"]', 'report_links = ["pcie"]', 'report_links: "pcie" must be one of links'),
    ('task = "row_digits"', 'task = "frame_digits"', "the card has no training by bptt on frame_digits"),
    ('over = "stdp"', 'over = "rstdp"', '"rstdp" must be one of its count_rules (bptt, eprop, stdp, reward)'),
    ('half = "spiking"\nmerge', 'half = "both"\nmerge', "tiny both must be one of the networks (tiny spiking, tiny rate)"),
    ('"nvlink_c2c", ', '"nvlinkc2c", ', 'there is no card "nvlinkc2c" in hardware/links/ (did you mean "nvlink_c2c"?)'),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told"), FAULTS)
def test_a_faulty_card_is_told_what_to_do(tmp_path, old, new, told):
    with pytest.raises(InputError, match=re.escape(told)):
        check_file(write_card(tmp_path, old, new))


def test_options_and_folders_that_make_no_sense_are_refused(tmp_path):
    card = write_card(tmp_path)
    with pytest.raises(InputError, match=r"^--engine: .*talk.toml takes its seeds from its card and trains on the CPU"):
        run_asked(Asked(str(card), engine="torch", out=tmp_path / "out"))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"the output folder cannot be written \(Not a directory\)"):
        run_asked(Asked(str(card), quick=True, out=tmp_path / "file" / "out"))
    (tmp_path / "results.json").write_text(json.dumps({"nets": []}))
    with pytest.raises(InputError, match="not a results file of this version"):
        load_results(tmp_path)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ((False, 4, ["pcie"]), "require --training of a finished run"),
        ((True, 4, []), "--workers and --link must be given together"),
        ((True, None, ["pcie"]), "--workers and --link must be given together"),
        ((True, 1, ["pcie"]), "--workers 1: sharing a training needs at least two"),
    ],
)
def test_half_of_a_question_about_sharing_a_training_is_refused(asked, told):
    with pytest.raises(InputError, match=told):
        refuse_half_asked(*asked)
    refuse_half_asked(False, None, [])  # nothing was asked


def test_what_was_never_trained_has_no_training_to_share():
    described = read_work(Path(__file__).parents[3] / "docs" / "networks" / "odin_point.toml")
    with pytest.raises(InputError, match="--workers needs a finished run, which defines how the network was trained"):
        print_communication(described, 4, ["pcie"])

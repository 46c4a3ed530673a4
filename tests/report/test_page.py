"""The page: self-contained, well-formed, every plot with words and data, the two kinds of chips apart."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from neurorec.basics.plain import write_plain
from neurorec.learning.rule import OBJECTIONS
from neurorec.report.pages.training_page import training_page
from neurorec.report.parts import Text
from neurorec.report.studies import load_results, write_report
from neurorec.report.training.activity_plots import raster
from neurorec.report.training.gallery import Gallery
from neurorec.report.training.summary import groups_of
from neurorec.report.training.tables import main_tables
from tests.experiments.tiny import seal
from tests.report.made_up import ALL_IN, made_up_results, with_failure, with_other_rounding

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Elements with their attributes; complains where tags do not close in order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.broken = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.broken.append(tag)


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    results = with_failure(made_up_results(tmp_path_factory.mktemp("study"), files=True), "the loss <became> nan")
    path = write_report(results)
    assert sorted(p.name for p in results.folder.iterdir()) == ["done", "report.html", "results.csv", "summary.md"]
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def parsed(html):
    return Page(html)


def test_tags_close_and_ids_are_unique(parsed):
    assert (parsed.open, parsed.broken) == ([], [])
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_reference_inside_a_plot_has_its_target(html, parsed):
    ids = {attributes["id"] for _, attributes in parsed.elements if "id" in attributes}
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= ids
    assert {a["href"][1:] for _, a in parsed.elements if a.get("href", "").startswith("#")} <= ids


def test_nothing_is_fetched(html, parsed):
    for tag, attributes in parsed.elements:
        for name in ("src", "href", "xlink:href", "srcset", "action", "data"):
            assert not re.match(r"(https?:)?//", attributes.get(name) or ""), (tag, attributes)
    assert "script" not in {tag for tag, _ in parsed.elements}
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


def test_every_plot_has_words_and_data(parsed):
    drawings = [attributes for tag, attributes in parsed.elements if tag == "svg"]
    downloads = [attributes for tag, attributes in parsed.elements if tag == "a" and "download" in attributes]
    links = [attributes for attributes in downloads if attributes.get("class") != "csv"]
    tables = [tag for tag, _ in parsed.elements if tag == "table"]
    assert len(downloads) - len(links) == len(tables)
    assert len(drawings) == len(links) > 20
    assert all(drawing["role"] == "img" and len(drawing["aria-label"]) > 40 for drawing in drawings)
    data = [base64.b64decode(link["href"].split(",", 1)[1]).decode() for link in downloads]
    assert all(text.count("\n") >= 2 for text in data)


def test_every_section_is_there(html):
    for text in (
        "Score against energy",
        "Where the energy goes",
        "Learning curves",
        "Weights as images",
        *OBJECTIONS,
    ):
        assert text in html
    assert "● avoided" in html
    assert "100 on both sides" in html
    assert "refused: NIR has no primitive" in html
    assert "results.csv" in html


def test_a_failed_run_is_shown_and_escaped(html):
    assert "the loss &lt;became&gt; nan" in html
    assert "<became>" not in html


def test_an_all_in_chip_never_shares_a_split(tmp_path, html):
    gallery = Gallery(made_up_results(tmp_path))
    assert [chip for chip in (*gallery.per_term, *ALL_IN) if gallery.breakdown(chip)] == gallery.per_term
    assert not set(gallery.per_term) & set(ALL_IN)
    for chip in ALL_IN:
        table = html.split(f"All figures for {chip}")[1].split("</details>")[0]
        assert "all-in" in table
        assert not [part for part in ("compute", "memory", "communication", "static") if f">{part}</th>" in table]


def test_a_report_chip_that_is_all_in_stays_out_of_the_per_term_columns(tmp_path):
    results = replace(made_up_results(tmp_path, seeds=(0,), tasks=("store_recall",)), report_chip="gap9")
    html = write_report(results).read_text(encoding="utf-8")
    heads = re.findall(r'<th (?:colspan="2" )?scope="colgroup"[^>]*>(\S+) <span class="scope">([^<]+)</span>', html)
    assert set(heads) == {("loihi1", "per-term"), ("gap9", "all-in")}


def test_missing_and_broken_files_cost_only_their_pictures(tmp_path):
    results = made_up_results(tmp_path, files=True)
    for at, run in enumerate(run for run in results.runs if run.folder is not None):
        for name in ("history.csv", "activity.npz", "weights.safetensors"):
            if at % 2:
                (run.folder / name).unlink()
            else:
                (run.folder / name).write_bytes(b"\x00not what it says")
    gallery = Gallery(results)
    assert (gallery.curves, gallery.rasters, gallery.weights) == ([], [], [])
    assert gallery.scores


def test_a_quick_run_says_so_and_a_rebuilt_page_is_the_same(tmp_path):
    results = replace(made_up_results(tmp_path, seeds=(0,), tasks=("store_recall",)), quick=True)
    html = write_report(results).read_text(encoding="utf-8")
    assert "not to be cited" in html
    write_plain(results, tmp_path / "results.json", sealed=True)
    assert write_report(load_results(tmp_path)).read_text(encoding="utf-8") == html


def test_a_study_in_which_everything_failed_still_has_a_page(tmp_path):
    results = made_up_results(tmp_path)
    runs = [replace(run, status="failed", reason="no luck") for run in results.runs]
    html = write_report(replace(results, runs=runs, costs=[])).read_text(encoding="utf-8")
    assert "no luck" in html


def test_a_score_of_which_less_is_better_is_said_and_drawn_so(tmp_path):
    results = made_up_results(tmp_path, tasks=("row_digits",))
    runs = [
        replace(run, metric="cross-entropy", unit="nats/symbol", higher_is_better=False, test_score=1 + run.test_score)
        for run in results.runs
    ]
    html = write_report(replace(results, runs=runs)).read_text(encoding="utf-8")
    assert "test cross-entropy" in html
    assert "cross-entropy (nats/symbol); lower is better" in html
    assert "accuracy" not in re.sub(r'href="[^"]*"', "", html).replace("accuracy (label assignment)", "")
    worst = re.search(r"networks: best (\S+ ?\S*), .* worst ([^<]+?) with", html)
    assert worst is not None
    assert "LSTM" in worst[2]


def test_a_rerun_with_another_rounding_stands_beside_the_spread_and_is_no_row(tmp_path):
    results = with_other_rounding(made_up_results(tmp_path), "Elman", 0.021)
    tables = main_tables(results)
    assert [len(table.rows) for table in tables] == [
        len(table.rows) for table in main_tables(made_up_results(tmp_path))
    ]
    heads = [column.head for column in tables[0].columns]
    by_net = {row[0]: row[heads.index("other\nrounding")] for row in tables[0].rows if row[1] == "BPTT"}
    assert by_net == {"Elman": "± 0.021", "LSTM": None}
    assert "other\nrounding" not in [column.head for column in main_tables(made_up_results(tmp_path))[0].columns]


def test_halves_without_a_counterpart_and_energy_models_have_a_page(tmp_path):
    results = made_up_results(tmp_path, seeds=(0,))
    runs = [
        replace(run, layers={"units": "hopfield"}, network="Hopfield", rule="hebb", rule_title="Hebbian learning",
                judgements=[])
        for run in results.runs if run.half == "rate" and run.task == "row_digits" and run.pair == "lif_vs_elman"
    ] + [run for run in results.runs if run.half == "baseline" and run.task == "row_digits"]  # fmt: skip
    html = write_report(replace(results, runs=runs, costs=[], exports=[])).read_text(encoding="utf-8")
    assert "Hopfield, Hebbian learning on row_digits: accuracy 0.920, compared with 0.920 for ridge on input" in html
    assert "Where the energy goes" not in html


def test_every_spiking_layer_has_its_band_in_the_raster(tmp_path):
    results = made_up_results(tmp_path, files=True)
    run = next(run for run in results.runs if run.network == "recurrent LIF" and run.seed == 0)
    arrays = dict(np.load(run.folder / "activity.npz"))
    second = {name.replace("hidden", "second"): value for name, value in arrays.items() if name.startswith("hidden/")}
    np.savez(run.folder / "activity.npz", **arrays, **second)
    seal(run.folder)
    group = next(group for group in groups_of(results, run.task) if group.network == "recurrent LIF" and group.proper)
    drawn = raster(group)
    assert "units in hidden" in drawn.alt
    assert "units in second" in drawn.alt


@pytest.mark.parametrize("known", [(), ("row_digits",), ("row_digits", "store_recall", "frame_digits")])
def test_the_page_says_where_nothing_was_held_out(known, tmp_path):
    results = made_up_results(tmp_path)
    results = replace(results, runs=[replace(run, exhaustive=run.task in known) for run in results.runs])
    text = next(part.text for part in training_page(results).sections[0].parts if isinstance(part, Text))
    assert ("test samples not used in training" in text) == (len(known) < 3)
    assert ("nothing is held out" in text) == bool(known)
    assert ("(of row_digits: scores after the last epoch" in text) == (len(known) == 1)

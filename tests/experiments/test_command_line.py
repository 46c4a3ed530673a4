"""The command line as a user meets it: exit codes, messages without tracebacks, kill -9 and Ctrl-C in mid-study."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from typer.testing import CliRunner

from neurorec.basics.cards import find_card
from neurorec.cli import app, main
from neurorec.engines import on_brian2
from neurorec.experiments.kinds import trainings
from tests.experiments.tiny import in_this_process, write_study

NETWORKS = Path(__file__).parents[2] / "docs" / "networks"

NEUROREC = [sys.executable, "-W", "error", "-m", "neurorec"]
SURROUNDINGS = {"NO_COLOR": "1", "COLUMNS": "120"}


def run_outside(*words, **options):
    """`neurorec WORDS` in a process of its own, which takes seconds to start."""
    environment = os.environ | SURROUNDINGS | {"PYTHONWARNINGS": "error"}
    return subprocess.run([*NEUROREC, *map(str, words)], capture_output=True, text=True, env=environment, **options)


def call(*words):
    """The same in this process."""
    said, complained = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(complained):
        patch.setattr(sys, "argv", ["neurorec", *map(str, words)])
        for name, value in (SURROUNDINGS | {"OMP_NUM_THREADS": "1"}).items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as stopped:
            main()
    return subprocess.CompletedProcess(words, stopped.value.code or 0, said.getvalue(), complained.getvalue())


def refused(*words, run=call):
    """The message of a refusal: exit code 2, one message, no traceback, nothing on standard output."""
    done = run(*words)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("neurorec: ")
    return done.stderr.removeprefix("neurorec: ").strip()


def test_bad_input_is_refused_with_one_message(tmp_path):
    card = write_study(tmp_path)
    assert refused("run", "backprop_vs_sdtp", run=run_outside).startswith(
        'there is no card "backprop_vs_sdtp" in experiments/ (did you mean "backprop_vs_stdp"?); known: '
    )
    pair = (tmp_path / "tiny.toml").read_text()
    for old, new, said in [
        ("tau_mem_ms = 10.0", "tau_mem_ms = -10.0", "tiny.toml: spiking.cell.tau_mem_ms: must be greater than 0 (got -10.0)"),
        ("tau_mem_ms = 10.0", "tau_mem_ms = 0.5",
         "tiny.toml: spiking.cell: tau_mem_ms must be at least dt_ms (1), or forward Euler overshoots (got 0.5)"),
        ("tau_mem_ms = 10.0", "tau_mem = 10.0", 'key "tau_mem" is not known (write "tau_mem_ms": the unit belongs in the key)'),
        ("tau_mem_ms = 10.0", "tau_mem_s = 0.01", 'key "tau_mem_s" is not known (write "tau_mem_ms": convert the number)'),
        ("v_reset = 0.0", "v_rest = 0.0", 'key "v_rest" is not known (did you mean "v_reset"?)'),
        ('name = "lif"', 'name = "life"', 'tiny.toml: spiking.cell.name: cell "life" is not known (did you mean "lif"?); '),
        ("dt_ms = 1.0\n[spiking.encoder]", "dt_ms = 2.0\n[spiking.encoder]",
         "the parts have different time steps (hidden.dt_ms = 1, readout.dt_ms = 2, encoder.dt_ms = 1); use the same dt_ms "
         "for all"),
    ]:  # fmt: skip
        (tmp_path / "tiny.toml").write_text(pair.replace(old, new, 1))
        assert said in refused("run", card, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unwritable_folder_a_corrupt_card_and_a_wrong_run_folder(tmp_path):
    card = write_study(tmp_path)
    (tmp_path / "file").write_text("")
    done = call("run", card, "--out", tmp_path / "file" / "out")
    assert done.returncode == 2
    assert "the output folder cannot be written (Not a directory); choose another with --out" in done.stderr
    (tmp_path / "bad.toml").write_text("[[[")
    assert "bad.toml: this is not valid TOML" in refused("check", tmp_path / "bad.toml")
    (tmp_path / "bad.nir").write_bytes(b"not HDF5")
    assert "bad.nir: " in refused("check", tmp_path / "bad.nir")
    assert refused("check", tmp_path).endswith(
        "this is a folder; give one file, e.g. neurorec check " + str(tmp_path / "my_card.toml")
    )
    (tmp_path / "notes.md").write_text("")
    assert 'cards end in ".toml" and NIR graphs in ".nir"; this is neither' in refused("check", tmp_path / "notes.md")
    (tmp_path / "neither.toml").write_text("about = 'x'")
    assert "neither.toml: neither a study (it has no question), nor a pair" in refused(
        "check", tmp_path / "neither.toml"
    )
    assert "this is not the folder of a finished run" in refused("cost", tmp_path)
    assert "there is no such folder" in refused("report", tmp_path / "nowhere")
    assert 'nothing is called "lif_vs_elmann" (did you mean "lif_vs_elman"?)' in refused("show", "lif_vs_elmann")
    assert 'there is no kind "pears" (did you mean "pairs"?)' in refused("list", "pears")


def stdp_study(folder):
    """The default study's STDP pair with 12 neurons, trained by STDP and by BPTT, and a study of it alone."""
    study, pair = write_study(folder), find_card("models", "competitive_lif_vs_competitive_learning").read_text()
    assert pair.count("size = 100") == 2
    (folder / "tiny.toml").write_text(pair.replace("size = 100", "size = 12"))
    study.write_text(study.read_text().replace('["chance", "ridge on input", "frozen recurrence"]', '["chance"]'))
    return study


class AtOnce(Executor):
    """Runs in the main thread, where Brian2 must run."""

    def submit(self, fn, /, *args, **kwargs):
        future: Future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_an_engine_of_either_kind_can_be_asked_for_and_the_report_says_which_ran(tmp_path, monkeypatch):
    card, out = stdp_study(tmp_path), tmp_path / "out"
    monkeypatch.setattr(trainings, "processes", lambda jobs: AtOnce())
    monkeypatch.setattr(on_brian2, "code_target", lambda: "numpy")  # without a wait for a compiler
    done = CliRunner().invoke(app, ["run", str(card), "--quick", "--engine", "brian2", "--out", str(out)])
    assert done.exit_code == 0, done.output
    engines = {
        (run["rule"], run["engine"]) for run in json.loads((out / "results.json").read_text())["runs"] if run["rule"]
    }
    assert engines == {("stdp", "brian2 (numpy)"), ("bptt", "fused"), ("competitive", "torch")}
    assert "brian2 (numpy) for competitive LIF by STDP" in " ".join(done.stdout.split())
    assert "brian2 (numpy) (1 runs: competitive LIF)" in " ".join((out / "report.html").read_text().split())


def test_an_engine_that_nobody_has_or_that_can_run_nothing_is_refused(tmp_path):
    assert refused("run", stdp_study(tmp_path), "--engine", "brain2") == (
        'engine "brain2" is not known (did you mean "brian2"?); known: auto; blocks, fused, norse, torch (for stepping cells); '
        "brian2, plastic (for rules whose weights change at spikes, such as stdp)"
    )
    assert refused("run", write_study(tmp_path), "--engine", "brian2") == (
        "engine brian2 can run no training of study study: it runs rules whose weights change at spikes, such as stdp; use "
        "--engine auto"
    )


def test_debug_shows_the_traceback():
    done = run_outside("show", "nothing_at_all", "--debug")
    assert "Traceback" in done.stderr
    assert "InputError" in done.stderr


def test_list_and_show_everything_there_is():
    listed = call("list")
    assert listed.returncode == 0, listed.stderr
    assert all(
        kind in listed.stdout for kind in ("pairs", "chips", "studies", "tasks", "rules", "engines", "exporters")
    )
    for name, words in [
        (
            "lif_vs_elman",
            ["u_t = v_{t-1}", "tau_mem_ms = 10.0", "chips that can run it", "neurorec/models/cells/lif.py", "Elman"],
        ),
        ("loihi1", ["pJ = 23.6", "davies2018"]),
        (
            "bptt",
            [
                "BPTT",
                "still applies: weights of the forward paths",
                "on Elman",
                "on adaptive LIF",
                "neurorec/learning/bptt.py",
                "learns from errors of the outputs; a weight's change depends on: whole graph",
                "requires of a chip: backward pass",
            ],
        ),
        ("row_digits", ["one row of the image at a time", "1258 train, 270 validation, 269 test", "10 outputs"]),
        ("backprop_vs_stdp", ["What does a spiking network lose", "seeds = [0, 1, 2]"]),
    ]:
        shown = call("show", name)
        assert shown.returncode == 0, shown.stderr
        assert all(word in shown.stdout for word in words), (name, shown.stdout)


def test_cite_gives_bibtex_of_what_a_study_uses():
    said = call("cite", "backprop_vs_stdp")
    assert said.returncode == 0, said.stderr
    assert all(key in said.stdout for key in ("davies2018", "diehl2015", "elman1990", "sklearn_digits", "norse"))
    assert said.stdout.count("@") > 15


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    home = tmp_path_factory.mktemp("line")
    done = run_outside("run", write_study(home), "--out", home / "out", "--jobs", 2)
    return home, done


def test_a_study_from_the_command_line(finished):
    home, done = finished
    assert done.returncode == 0, done.stderr
    assert "Does it run?" in done.stdout
    assert "\x1b[" not in done.stdout
    assert {"report.html", "results.csv", "results.json"} <= {path.name for path in (home / "out").iterdir()}


def test_cost_export_and_report_of_a_finished_run(finished, tmp_path):
    home, _ = finished
    (run,) = (home / "out" / "done").glob("tiny-spiking-bptt-store_recall-*")
    priced = call("cost", run, "--chip", "loihi1", "--chip", "cortex_m4", "--training")
    assert priced.returncode == 0, priced.stderr
    assert "per-term prices, energy of one inference" in priced.stdout
    assert "all-in prices" not in priced.stdout
    assert "cannot run on cortex_m4: " in priced.stdout
    written = call("export", run, "--to", "nir", "--out", tmp_path / "net.nir")
    assert written.returncode == 0, written.stderr
    assert "0 of" in written.stdout
    assert (tmp_path / "net.nir").is_file()
    (rate,) = (home / "out" / "done").glob("tiny-rate-bptt-store_recall-*")
    profiled = call("export", run, tmp_path / "norse.nir", "--profile", "norse")
    assert profiled.returncode == 0, profiled.stderr
    assert "hidden.lif: 0 of " in profiled.stdout
    assert (
        'NIR: there is no profile "nors" (did you mean "norse"?); known: plain, legacy, norse, snntorch, spyx'
        in refused("export", run, tmp_path / "x", "--profile", "nors")
    )
    assert "give the file to write once, as neurorec export RUN FILE (or --out FILE)" in refused("export", run)
    assert "cannot hold Elman" in refused("export", rate, "--to", "nir", "--out", tmp_path / "rate.nir")
    assert 'exporter "nri" is not known (did you mean "nir"?)' in refused(
        "export", run, "--to", "nri", "--out", tmp_path / "x"
    )
    before = (home / "out" / "results.csv").read_text()
    (home / "out" / "report.html").unlink()
    assert call("report", home / "out").returncode == 0
    assert (home / "out" / "report.html").is_file()
    assert (home / "out" / "results.csv").read_text() == before


def test_a_failed_run_gives_exit_code_1_and_says_which(tmp_path, monkeypatch):
    monkeypatch.setattr(trainings, "processes", lambda jobs: in_this_process())
    done = call("run", write_study(tmp_path, input_gain=0.0), "--out", tmp_path / "out", "--jobs", 1)
    assert done.returncode == 1
    assert "FAILED tiny spiking bptt store_recall seed 0: no neuron of the recurrent LIF layer spiked" in done.stdout
    assert "2 runs failed" in done.stderr
    assert (tmp_path / "out" / "report.html").is_file()


def finished_runs(out):
    return {path.name for path in (out / "done").glob("*") if not path.name.startswith(".")} if out.exists() else set()


def wait_for_runs(process, out, count):
    until = time.monotonic() + 120
    while len(finished_runs(out)) < count and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)


def wait_for_workers(process):
    """Until none is left: they die with their parent."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail("workers outlive their parent by a minute")


@pytest.mark.parametrize(
    "how",
    [pytest.param(signal.SIGKILL, id="kill -9"), pytest.param(signal.SIGINT, id="Ctrl-C", marks=pytest.mark.slow)],
)
def test_stopped_at_any_moment_what_is_there_is_whole_and_the_rest_follows(tmp_path, how):
    card, out = write_study(tmp_path, epochs=40), tmp_path / "out"
    words = [*NEUROREC, "run", str(card), "--out", str(out), "--jobs", "1"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_for_runs(process, out, 1)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "runs are stored. The same command continues from there" in said
        assert "Traceback" not in said
    wait_for_workers(process)
    stored = finished_runs(out)
    assert 1 <= len(stored) < 6
    for run_id in stored:
        assert json.loads((out / "done" / run_id / "run.json").read_text())["status"] == "done"
    done = run_outside("run", card, "--out", out, "--jobs", 1)
    assert done.returncode == 0, done.stderr
    assert f"{len(stored)} of 6 runs are already stored" in done.stdout
    assert len(finished_runs(out)) == 6
    assert [path.name for path in (out / "working").iterdir() if path.suffix != ".progress"] == []


def test_requests_that_cannot_work_are_refused_before_anything_is_computed(tmp_path, monkeypatch):
    point = NETWORKS / "odin_point.toml"
    for words in (("cost", point), ("place", point)):
        assert refused(*words, "--chip", "loihi2").startswith("cannot run on loihi2: ")
    assert 'sweep "precision": write SETTING=VALUE,VALUE' in refused("sweep", tmp_path / "digits.nir", "precision")
    assert "(no run.json; see runs/STUDY/done/), nor a NIR file (.nir) or a description (.toml)" in refused(
        "cost", "nofile"
    )
    assert '(did you mean "loihi1" or "loihi2"?)' in refused("cost", point, "--chip", "loihi")


def test_a_layer_in_the_wrong_table_and_an_unknown_member_say_what_to_write(tmp_path):
    write_study(tmp_path)
    pair = tmp_path / "tiny.toml"
    text = pair.read_text()
    pair.write_text(text.replace("[rate.cell]", "[rate.hidden]"))
    assert 'rate: key "hidden" is not known (write "[rate.layers.hidden]")' in refused("check", pair)
    pair.write_text(text.replace('name = "elman"', 'name = "zzz"'))
    assert refused("check", pair).endswith("one of your own needs --plugin MODULE")


def test_show_takes_the_key_of_a_source():
    shown = call("show", "yao2024").stdout
    assert "Spike-based dynamic computing with asynchronous sensing-computing neuromorphic chip" in shown
    assert "note = {only the abstract was read}" in shown


def test_the_header_counts_every_run_and_plain_progress_has_score_and_time(tmp_path, monkeypatch):
    monkeypatch.setattr(trainings, "processes", lambda jobs: in_this_process())
    said = call("run", write_study(tmp_path), "--out", tmp_path / "out", "--jobs", 1, "--device", "cpu").stdout
    assert "2 trainings x 1 seed + " in said
    assert "engine: torch" in said or "; torch for the rest" in said
    assert " so far" in said


def test_help_of_export_lists_the_profiles():
    from neurorec.hardware.export import exporters

    said = " ".join(call("export", "--help").stdout.split())
    for name, one in exporters["nir"].profiles.items():
        assert f"{name} {one.about}" in said

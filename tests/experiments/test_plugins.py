"""Members of the user's own in cards: an installed distribution, and a module named on the command line."""

import os
import re
import subprocess
import sys
import textwrap

import pytest

from neurorec.basics import plugins
from neurorec.basics.errors import InputError
from neurorec.experiments.verbs import check_file
from tests.experiments.tiny import write_study

CELL = '''
from typing import NamedTuple
import torch
import neurorec as nr
from neurorec.models.cell import cells

class State(NamedTuple):
    h: torch.Tensor

@cells.register("forgetful")
class Forgetful(nr.Cell):
    """Units without memory."""
    Card, title, output_signal, sources, equations = nr.CellCard, "forgetful", "values", (), "h_t = tanh(W x_t)"
    def __init__(self, card, inputs):
        super().__init__(card, inputs)
        self.w_in = torch.nn.Parameter(torch.zeros(card.size, inputs))
    def reset_parameters(self, generator):
        torch.nn.init.normal_(self.w_in, generator=generator)
    def initial_state(self, batch):
        return State(self._zeros(batch))
    def step(self, state, x):
        h = torch.tanh(x @ self.w_in.T)
        return h, State(h)
    def operations(self):
        H = self.size
        return nr.StepOperations(self._dense(self.input_size, H), self._dense(H, 0), "values", H, 0, H, 0, H)
'''


def neurorec(*words, cwd, path=(), **environment):
    """`neurorec WORDS` in a process of its own, with `path` before all that can be imported."""
    kept = {name: value for name, value in os.environ.items() if name != plugins.NAMES}
    places = [str(place) for place in (*path, *filter(None, [os.environ.get("PYTHONPATH")]))]
    settings = kept | {"PYTHONPATH": os.pathsep.join(places), "NO_COLOR": "1", "COLUMNS": "120"} | environment
    script = tmp_script(cwd)  # with a script, as pip installs it, the current folder is not searched for modules
    return subprocess.run(
        [sys.executable, script, *map(str, words)], capture_output=True, text=True, cwd=cwd, env=settings
    )


def tmp_script(cwd):
    script = cwd / "bin" / "started.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text("from neurorec.__main__ import main\n\nif __name__ == '__main__':\n    main()\n")
    return script


@pytest.fixture
def study(tmp_path):
    """A study whose rate half is of the cell forgetful; the module that has it is my_cells."""
    path = write_study(tmp_path)
    pair = (tmp_path / "tiny.toml").read_text()
    pair = pair.replace(
        'name = "elman"\nsize = 12\ninput_gain = 1.0\nrecurrent_gain = 1.0', 'name = "forgetful"\nsize = 12'
    )
    (tmp_path / "tiny.toml").write_text(pair)
    (tmp_path / "my_cells.py").write_text(CELL)
    path.write_text(path.read_text().replace('["chance", "ridge on input", "frozen recurrence"]', '["baselines"]'))
    return path


def test_a_card_names_a_cell_of_a_module_on_the_command_line(study, tmp_path):
    with pytest.raises(InputError, match=r'tiny.toml: rate.cell.name: cell "forgetful" is not known'):
        check_file(tmp_path / "tiny.toml")
    checked = neurorec("check", "tiny.toml", "--plugin", "my_cells", cwd=tmp_path)
    assert checked.stdout == "tiny.toml: valid pair\n", checked.stderr
    shown = neurorec("show", "forgetful", cwd=tmp_path, NEUROREC_PLUGINS="my_cells").stdout
    assert f"code: {tmp_path / 'my_cells.py'}:10" in shown
    assert "h_t = tanh(W x_t)" in shown


@pytest.mark.slow
def test_workers_load_it_too_and_another_source_is_another_run(study, tmp_path):
    words = ("run", study, "--quick", "--jobs", 2, "--out", "out", "--device", "cpu")
    first = neurorec(*words, "--plugin", "my_cells", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    done = {path.name for path in (tmp_path / "out" / "done").iterdir()}
    assert any(name.startswith("tiny-rate-bptt") for name in done)
    (tmp_path / "my_cells.py").write_text(CELL.replace("torch.tanh(x", "torch.tanh(2 * x"))
    changed = neurorec(*words, cwd=tmp_path, NEUROREC_PLUGINS="my_cells")
    assert changed.returncode == 0, changed.stderr
    assert len({path.name for path in (tmp_path / "out" / "done").iterdir()}) == 2 * len(done)


def install(site, module, source):
    """A distribution as pip leaves it: a package, and beside it what its metadata say."""
    (site / module).mkdir(parents=True)
    (site / module / "__init__.py").write_text(source)
    info = site / "my_dist-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-dist\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[{plugins.GROUP}]\nmine = {module}\n")
    (info / "RECORD").write_text("")


def test_an_installed_distribution_needs_no_option(study, tmp_path):
    install(tmp_path / "site", "their_cells", CELL)
    found = neurorec("check", "tiny.toml", cwd=tmp_path, path=[tmp_path / "site"])
    assert found.stdout == "tiny.toml: valid pair\n", found.stderr


BROKEN = "import torch\n\n1 / 0\n"


@pytest.fixture
def afresh(tmp_path, monkeypatch):
    """No plugin is loaded; modules are found in tmp_path / "site"."""
    monkeypatch.setattr(plugins, "_loaded", {})
    monkeypatch.delenv(plugins.NAMES, raising=False)
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield tmp_path / "site"
    for name in [name for name in sys.modules if name.startswith("made_up_")]:
        del sys.modules[name]


@pytest.mark.parametrize(("source", "told"), [
    (BROKEN, "importing made_up_1 failed with ZeroDivisionError: division by zero (at __init__.py:3)"),
    ("import a_library_that_is_not_there\n",
     "importing made_up_2 failed with ModuleNotFoundError: No module named 'a_library_that_is_not_there' (at __init__.py:1)"),
    ('from neurorec.models.cell import cells\ncells.register("lif")(int)\n',
     "importing made_up_3 failed with ValueError: cell 'lif' is registered twice (at __init__.py:2)"),
])  # fmt: skip
def test_a_broken_distribution_gives_one_sentence(source, told, afresh):
    install(afresh, re.findall("made_up_.", told)[0], source)
    with pytest.raises(InputError) as caught:
        plugins.load_plugins()
    assert str(caught.value) == f'plugin "mine" of my-dist 1.2: {told}; fix or uninstall it'


@pytest.mark.parametrize(("name", "told"), [
    ("made_up_4", "there is no module made_up_4, neither in this folder nor installed"),
    ("made_up_5", "importing made_up_5 failed with ZeroDivisionError: division by zero (at made_up_5.py:3)"),
])  # fmt: skip
def test_a_module_that_is_not_there_or_broken_gives_one_sentence(name, told, afresh, monkeypatch):
    afresh.mkdir()
    (afresh / "made_up_5.py").write_text(BROKEN)
    monkeypatch.setenv(plugins.NAMES, name)
    with pytest.raises(InputError) as caught:
        plugins.load_plugins()
    assert str(caught.value) == f'plugin "{name}": {told}; fix it, or remove it from --plugin and NEUROREC_PLUGINS'


def test_the_command_line_prints_it_and_ends_with_2(tmp_path):
    stopped = neurorec("list", "--plugin", "my_cels", cwd=tmp_path)
    assert stopped.returncode == 2
    assert stopped.stderr.startswith('neurorec: plugin "my_cels": there is no module my_cels, ')
    assert len(stopped.stderr.splitlines()) == 1


def test_in_python_plugins_are_there_without_asking(tmp_path):
    install(tmp_path / "site", "their_tasks", textwrap.dedent('''
        import torch
        import neurorec as nr
        from neurorec.tasks.task import tasks

        @tasks.register("coin")
        def coin(seed):
            """A coin that shows its side."""
            y = torch.arange(90) % 2
            parts = {"train": range(60), "validation": range(60, 75), "test": range(75, 90)}
            return nr.Task.from_arrays(y.float().reshape(1, -1, 1), y, "classification", parts, name="coin")
    '''))  # fmt: skip
    code = "import neurorec as nr; print(nr.load_task('coin', 0).outputs)"
    settings = os.environ | {"PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=settings)
    assert found.stdout == "2\n", found.stderr


def test_the_digest_is_that_of_the_source_of_the_whole_package(afresh, monkeypatch):
    (afresh / "made_up_6").mkdir(parents=True)
    for name in ("__init__", "inside"):
        (afresh / "made_up_6" / f"{name}.py").write_text("")
    monkeypatch.setenv(plugins.NAMES, "made_up_6.inside")
    assert plugins.plugin_digests() == {}
    plugins.load_plugins()
    before = plugins.plugin_digests()
    assert list(before) == ["made_up_6.inside"]
    assert plugins.plugin_digests() == before
    (afresh / "made_up_6" / "__init__.py").write_text("changed = True\n")
    assert plugins.plugin_digests() != before

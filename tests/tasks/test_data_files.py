"""Tasks whose data may be missing: what works without them, and one error that says which file, where, from whom."""

import hashlib

import pytest

from neurorec.basics.errors import InputError
from neurorec.report import all_studies
from neurorec.tasks import data_files
from neurorec.tasks.data_files import DataFile, MissingData, from_files, missing_data
from neurorec.tasks.task import load_task, tasks
from tests.experiments.test_command_line import call
from tests.experiments.tiny import write_study

TEXT = b"to be"
FILE = DataFile("plays/hamlet.txt", len(TEXT), hashlib.sha256(TEXT).hexdigest(), "example.org/hamlet", "public domain")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data folder that holds nothing."""
    (tmp_path / "data" / "plays").mkdir(parents=True)
    monkeypatch.setenv("NEUROREC_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def hamlet(folder, monkeypatch):
    """A registered task that needs the missing file."""

    @from_files(FILE, inputs=3, outputs=4, sources=("sklearn_digits",))
    def make(seed):
        """The words of Hamlet."""
        FILE.read()

    monkeypatch.setitem(tasks._members, "hamlet", make)
    return folder


def told(folder):
    return (
        f"plays/hamlet.txt is missing: looked in {folder} (NEUROREC_DATA). Get it from example.org/hamlet (licence: public "
        "domain), and set NEUROREC_DATA to the folder that contains plays/hamlet.txt"
    )


def test_a_missing_file_is_named_with_its_place_its_origin_and_its_licence(hamlet):
    assert missing_data("hamlet") == told(hamlet)
    with pytest.raises(MissingData) as caught:
        load_task("hamlet", 0)
    assert str(caught.value) == told(hamlet)


def test_without_neurorec_data_the_folder_beside_the_project_is_searched(tmp_path, monkeypatch):
    monkeypatch.delenv("NEUROREC_DATA", raising=False)
    monkeypatch.setattr(data_files, "BESIDE", tmp_path)
    with pytest.raises(MissingData, match=r"\(\.\./shared/data beside the project, because NEUROREC_DATA is not set\)"):
        FILE.read()
    (tmp_path / "plays").mkdir()
    (tmp_path / "plays" / "hamlet.txt").write_bytes(TEXT)
    assert FILE.read() == TEXT


def test_a_folder_that_is_stated_must_exist(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROREC_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError) as caught:
        FILE.read()
    assert str(caught.value) == f"NEUROREC_DATA is {tmp_path / 'nowhere'}, but there is no such folder"


def test_another_file_in_its_place_is_refused(folder):
    path = folder / "plays" / "hamlet.txt"
    path.write_bytes(b"to be or not")
    with pytest.raises(InputError) as caught:
        FILE.read()
    assert str(caught.value) == f"{path}: has 12 bytes, but 5 are expected; get the file again from example.org/hamlet"
    path.write_bytes(b"to bE")
    found = hashlib.sha256(b"to bE").hexdigest()
    with pytest.raises(InputError) as caught:
        FILE.read()
    assert str(caught.value) == (
        f"{path}: its SHA-256 is {found}, but {FILE.sha256} is expected; get the file again from example.org/hamlet"
    )
    assert not isinstance(caught.value, MissingData)  # a wrong file is an error, not a reason to skip


def test_without_its_data_a_task_is_listed_and_shown(hamlet):
    assert "The words of Hamlet." in call("list", "tasks").stdout
    shown = call("show", "hamlet")
    assert shown.returncode == 0
    assert "data: plays/hamlet.txt (5 bytes), from example.org/hamlet; licence: public domain" in shown.stdout
    assert "3 inputs, 4 outputs" in shown.stdout
    assert told(hamlet) in shown.stdout
    assert "sklearn_digits: scikit-learn developers" in shown.stdout


@pytest.fixture
def study(hamlet, tmp_path, monkeypatch):
    """A study of that task."""
    monkeypatch.chdir(tmp_path)
    return write_study(tmp_path / "plays", task="hamlet")


def test_without_its_data_a_study_is_checked_and_cited_and_refused_before_it_starts(study, hamlet, tmp_path):
    assert call("check", study).returncode == 0
    assert "author = {scikit-learn developers}" in call("cite", study).stdout
    done = call("run", study)
    assert done.returncode == 2
    assert done.stderr == f"neurorec: {told(hamlet)}\n"
    assert not (tmp_path / "runs").exists()


def test_run_all_leaves_out_studies_without_data_names_them_and_succeeds(study, hamlet, monkeypatch):
    monkeypatch.setattr(all_studies, "card_names", lambda folder: [str(study)])
    done = call("run", "all", "--quick")
    assert done.returncode == 0
    assert f"left out: {study}: {told(hamlet)}" in done.stdout
    assert "left out" in done.stdout.partition("left out: ")[0]  # in the ledger
    assert "complete" not in done.stdout

"""The house itself: paths that exist, cards that load, tables that are current, imports that stay light."""

import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from neurorec.basics.cards import card_names
from neurorec.experiments.listing import experiments_readme, models_readme
from neurorec.experiments.verbs import check_file

ROOT = Path(__file__).resolve().parents[2]
KINDS = {"models": "pair", "hardware": "chip", "hardware/links": "link", "experiments": "study"}
CARDS = [path for folder in KINDS for path in sorted((ROOT / folder).glob("*.toml"))]


@pytest.mark.parametrize("path", CARDS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_card_is_valid_and_known_for_what_it_is(path):
    assert check_file(path) == KINDS[path.parent.relative_to(ROOT).as_posix()]


@pytest.mark.parametrize("folder", KINDS)
def test_every_card_folder_introduces_itself_in_twenty_lines(folder):
    text = (ROOT / folder / "README.md").read_text()
    assert len([line for line in text.splitlines() if not line.startswith("|")]) <= 20  # the table has a row a card
    assert all(f"| {name} |" in text for name in card_names(folder))


def test_generated_tables_are_current():
    assert (ROOT / "models" / "README.md").read_text() == models_readme()
    assert (ROOT / "experiments" / "README.md").read_text() == experiments_readme()


def test_every_path_in_pyproject_exists():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    tools = settings["tool"]
    named = [
        settings["project"]["readme"],
        *settings["project"]["license-files"],
        *tools["hatch"]["build"]["targets"]["wheel"]["only-include"],
        *tools["pyright"]["include"],
        *tools["pytest"]["ini_options"]["testpaths"],
        *(f"neurorec/{part}" for layer in tools["importlinter"]["contracts"][0]["layers"] for part in layer.split(" | ")
          if part not in ("__main__", "cli")),
    ]  # fmt: skip
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_link_in_the_documents_leads_somewhere():
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    broken = []
    for document in documents:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            if not (document.parent / target).exists():
                broken.append(f"{document.name}: {target}")
    assert broken == []


def test_help_and_import_load_nothing_heavy():
    """`neurorec --help` must stay instant: no torch, matplotlib, brian2, norse, numba, nir, pandas or pydantic is imported."""
    code = (
        "import sys, neurorec, neurorec.cli\n"
        "heavy = {'torch', 'matplotlib', 'brian2', 'norse', 'numba', 'nir', 'scipy', 'sklearn', 'numpy', 'pydantic'}\n"
        "heavy |= {'jinja2', 'distributed'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("library", ["norse", "brian2", "nir", "snntorch", "distributed", "gymnasium"])
def test_heavy_libraries_stay_behind_named_files_and_inside_functions(library):
    pattern = re.compile(rf"^(\s*)(?:import|from) {library}\b", re.MULTILINE)
    where = {}
    for path in (ROOT / "neurorec").rglob("*.py"):
        for indent in pattern.findall(path.read_text()):
            where.setdefault(path.relative_to(ROOT).as_posix(), set()).add(bool(indent.strip("\n")))
    assert len(where) <= 4
    assert all(inside == {True} for inside in where.values()), where


@pytest.mark.parametrize("library", ["numba", "llvmlite"])
def test_the_compiler_is_used_where_loops_are_compiled_alone_and_loads_with_them(library):
    pattern = re.compile(rf"^\s*(?:import|from) {library}\b", re.MULTILINE)
    users = {path.relative_to(ROOT / "neurorec").as_posix() for path in (ROOT / "neurorec").rglob("*.py")
             if pattern.search(path.read_text())}  # fmt: skip
    assert all(
        user.startswith(("engines/fused/", "engines/gibbs/", "engines/llvm/", "engines/plastic/", "hardware/mapping/"))
        for user in users
    ), users
    code = (
        "import sys, neurorec.training, neurorec.engines, neurorec.hardware.pricing.price\n"
        f"print({library!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_wheel_holds_every_card_and_loads_them_in_a_fresh_environment(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)], check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "fresh", with_pip=False, system_site_packages=False)
    site = next((tmp_path / "fresh" / "lib").glob("python*")) / "site-packages"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)], check=True
    )
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    (site / "others.pth").write_text("\n".join(libraries) + "\n")  # its dependencies, but not this checkout
    code = (
        "import neurorec, neurorec.experiments.verbs as verbs\n"
        "from neurorec.basics.cards import card_folder, card_names\n"
        "assert 'fresh' in neurorec.__file__, neurorec.__file__\n"
        f"kinds = {list(KINDS)}\n"
        "found = [verbs.check_file(card_folder(k) / f'{n}.toml') for k in kinds for n in card_names(k)]\n"
        "print(len(found))"
    )
    python = tmp_path / "fresh" / "bin" / "python"
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run([python, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=alone)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) == len(CARDS)


def test_every_public_name_is_there():
    import neurorec

    assert all(getattr(neurorec, name) is not None for name in neurorec.__all__)
    with pytest.raises(AttributeError, match=r"module 'neurorec' has no attribute 'trian'; it offers .*train"):
        neurorec.trian  # noqa: B018


def test_every_class_has_a_name_of_its_own():
    names: dict[str, list[str]] = {}
    for path in (ROOT / "neurorec").rglob("*.py"):
        for name in re.findall(r"^class (\w+)", path.read_text(), flags=re.M):
            names.setdefault(name, []).append(path.name)
    assert {name: files for name, files in names.items() if len(files) > 1} == {}


def test_every_file_has_a_name_of_its_own():
    paths: dict[str, list[str]] = {}
    for path in (ROOT / "neurorec").rglob("*.py"):
        paths.setdefault(path.name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: files for name, files in paths.items() if len(files) > 1 and name != "__init__.py"} == {}

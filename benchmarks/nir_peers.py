"""`python -m benchmarks.nir_peers`: which simulators read the NIR files that neurorec writes, and how many spikes differ.

Every simulator gets an environment of its own (a venv over the packages that run neurorec, so that torch is not downloaded
again), since no version of nir suits all. What cannot be installed or read is a row too. Writes
benchmarks/results/nir_peers.json and the table in docs/nir.md (`--only-report`: only the table), and deletes the environments.
"""

import argparse
import json
import platform
import re
import site
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nir
import numpy as np
import torch
from torch import Tensor

import neurorec.engines
import neurorec.models  # noqa: F401  (registers cells)
from neurorec.engines.on_nir import NirRun, options_from_text, promised_options, read_nir, run_nir
from neurorec.hardware.export import export_network
from neurorec.hardware.export.nir import neuron_of, strip_v_reset
from neurorec.hardware.export.peers import recurrent_layer
from neurorec.models.cell import cells
from neurorec.models.network import Network
from neurorec.models.readout import LeakyCard, ReadoutCard, readouts
from neurorec.models.wires import INPUT, Wire

ROOT = Path(__file__).resolve().parents[1]
RESULTS, PAGE = ROOT / "benchmarks" / "results" / "nir_peers.json", ROOT / "docs" / "nir.md"
DATA = ROOT.parent / "shared" / "data" / "nir"
START, END = "<!-- peers: made by python -m benchmarks.nir_peers; do not edit -->\n", "<!-- end of peers -->\n"
T, B, I, H, O = 48, 270, 12, 128, 9  # noqa: E741

#: tool -> what pip installs; tool -> the files that it is given
PACKAGES = {
    "norse": "norse==1.1.0", "snntorch": "snntorch", "spyx": "spyx", "sinabs": "sinabs", "rockpool": "rockpool",
    "lava": "lava-nc", "lava-dl": "lava-dl",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    profile: str  #: of the written file
    readout: str
    reset: str = "zero"

    def __str__(self) -> str:
        return f"`{self.profile}`, readout {self.readout}, reset {self.reset}"


ALL_READ = (Case("plain", "linear"), Case("plain", "leaky"))
CASES: dict[str, tuple[Case, ...]] = {
    "norse": (*ALL_READ, Case("norse", "linear"), Case("norse", "leaky"), Case("norse", "leaky", "subtract")),
    "snntorch": (*ALL_READ, Case("snntorch", "linear"), Case("snntorch", "leaky")),
    "spyx": (*ALL_READ, Case("spyx", "linear", "subtract"), Case("spyx", "leaky", "subtract")),
    "sinabs": (*ALL_READ, Case("legacy", "linear")),
    "rockpool": (*ALL_READ, Case("legacy", "linear"), Case("plain", "linear", "subtract")),
}
#: tool -> public files of the NIR project that it runs, compared with our interpreter under like=TOOL
PUBLIC: dict[str, tuple[tuple[str, str], ...]] = {
    "norse": (("lif_norse.nir", "dt_s=1e-4"),),
    "snntorch": (("lif_norse.nir", "dt_s=1e-4"),),
    "spyx": (("lif_norse.nir", "dt_s=1e-4"),),
    "sinabs": (("lif_norse.nir", "dt_s=1e-4"), ("cnn_sinabs.nir", "dt_s=1e-3")),
    "rockpool": (("lif_norse.nir", "dt_s=1e-4"),),
}


def network(case: Case) -> Network:
    generator = torch.Generator().manual_seed(0)
    card = cells["lif"].Card(
        name="lif", size=H, dt_ms=1.0, tau_mem_ms=13.7, tau_syn_ms=5.0, v_threshold=1.0, v_leak=0.0, v_reset=0.0,
        reset=case.reset, learn_time_constants=False, surrogate="superspike", slope=10.0, input_gain=3.0, recurrent_gain=1.5,
    )  # fmt: skip
    hidden = cells["lif"](card, I)
    leaky = case.readout == "leaky"
    out_card = LeakyCard(name="leaky", tau_ms=20.0, dt_ms=1.0) if leaky else ReadoutCard(name="linear")
    readout = readouts[case.readout](out_card, H, O)
    for layer in (hidden, readout):
        layer.reset_parameters(generator)
    with torch.no_grad():
        readout.bias.uniform_(-1, 1, generator=generator)
    return Network(
        {"hidden": hidden, "readout": readout}, (Wire(INPUT, "hidden"), Wire("hidden", "readout")), "spikes", I
    )


def install(package: str, folder: Path, constraints: Path) -> tuple[Path, str]:
    """A venv in `folder` that also sees the packages of this Python: its interpreter, and pip's complaint ("": none)."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    inner = subprocess.run(
        [python, "-c", "import site; print(site.getsitepackages()[0])"], capture_output=True, text=True, check=True
    ).stdout.strip()
    (Path(inner) / "outer.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    command = [python, "-m", "pip", "install", "-q", "-c", constraints, package]
    pip = subprocess.run(command, capture_output=True, text=True)
    if pip.returncode == 0:
        return python, ""
    needs = sorted(set(re.findall(r"Requires-Python ([^\s;]+)", pip.stderr)))
    if needs:
        return python, f"no version for Python {platform.python_version()} (they need {' or '.join(needs)})"
    return python, (pip.stderr.strip().splitlines() or [f"pip ended with {pip.returncode}"])[-1]


def play(python: Path, peer: str, path: Path, x: Path, dt: float, folder: Path) -> tuple[dict[str, Any], Tensor | None]:
    """The peer's output, with its versions or its error."""
    out = folder / "out.npy"
    out.unlink(missing_ok=True)
    command = [str(part) for part in (python, ROOT / "benchmarks" / "nir_player.py", peer, path, x, out, dt)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0 or not run.stdout:
        return {"trouble": (run.stderr.strip().splitlines() or ["it ended without a word"])[-1]}, None
    return json.loads(run.stdout.splitlines()[-1]), torch.as_tensor(np.load(out)) if out.exists() else None


def measure_case(python: Path, peer: str, case: Case, folder: Path) -> dict[str, Any]:
    whole, layer, recorded = folder / "whole.nir", folder / "layer.nir", folder / "x.npy"
    x = (torch.rand(T, B, I, generator=torch.Generator().manual_seed(1)) < 0.3).float()
    np.save(recorded, x.numpy())
    export_network(network(case), whole, profile=case.profile)
    nir.write(layer, recurrent_layer(whole, neuron_of("hidden")))
    if case.profile == "legacy":
        strip_v_reset(layer, [neuron_of("hidden")])
    graph = read_nir(whole)
    options = promised_options(graph.metadata, graph.where)
    ours: NirRun = run_nir(graph, x, options)
    found: dict[str, Any] = {"file": str(case)}
    for key, path, expected in (("spikes", layer, ours.spikes[neuron_of("hidden")]), ("output", whole, ours.output)):
        said, theirs = play(python, peer, path, recorded, options.dt, folder)
        found |= {name: said[name] for name in ("nir", "version") if name in said}
        found[key] = said["trouble"] if theirs is None else compared(theirs, expected, key)
    return found


def measure_public(python: Path, peer: str, name: str, setting: str, folder: Path) -> dict[str, Any]:
    """A file that others wrote, on random spikes, against our interpreter under like=PEER."""
    graph = read_nir(DATA / name)
    options = options_from_text([f"like={peer}", setting], graph.metadata, graph.where)
    shape = tuple(int(n) for n in graph.nodes[graph.input].input_type["input"])
    x = (torch.rand(100, 4, *shape, generator=torch.Generator().manual_seed(2)) < 0.1).float()
    np.save(folder / "x.npy", x.numpy())
    said, theirs = play(python, peer, DATA / name, folder / "x.npy", options.dt, folder)
    expected = run_nir(graph, x, options).output
    given = ", ".join(f"`{one}`" for one in (f"like={peer}", setting))
    spikes = said["trouble"] if theirs is None else compared(theirs.reshape(expected.shape), expected, "spikes")
    return {"file": f"{name} (NIR project), ours with {given}", "spikes": spikes, "output": "", **_versions(said)}


def _versions(said: dict[str, Any]) -> dict[str, Any]:
    return {name: said[name] for name in ("nir", "version") if name in said}


def compared(theirs: Tensor, ours: Tensor, what: str) -> str:
    """How far the two are apart; a result that is one step late throughout is said to be so."""
    if theirs.shape != ours.shape:
        return f"sends {list(theirs.shape)} instead of {list(ours.shape)}"
    late = _apart(theirs[1:], ours[:-1]) < 0.01 * _apart(theirs, ours)
    a, b = (theirs[1:], ours[:-1]) if late else (theirs, ours)
    said = f"{float((a - b).abs().max()):.2g}"
    if what == "spikes":
        said = f"{int((a != b).sum()):,} of {a.numel():,} ({int(b.sum()):,} spikes)"
    return said + (", one step later" if late else "")


def _apart(theirs: Tensor, ours: Tensor) -> float:
    return float((theirs - ours).abs().mean())


def measure(folder: Path) -> list[dict[str, Any]]:
    constraints = folder / "constraints.txt"
    held = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith(("torch", "numpy"))]
    constraints.write_text("\n".join(held) + "\n")  # not nir: each tool brings the version that it needs
    rows: list[dict[str, Any]] = []
    for peer in PACKAGES:
        python, refused = install(PACKAGES[peer], folder / peer, constraints)
        if refused:
            rows.append({"tool": peer, "file": "", "spikes": f"cannot be installed: {refused}", "output": ""})
        else:
            rows += [{"tool": peer, **measure_case(python, peer, case, folder)} for case in CASES[peer]]
            for name, setting in PUBLIC[peer] if DATA.is_dir() else ():
                rows.append({"tool": peer, **measure_public(python, peer, name, setting, folder)})
        print(*(row for row in rows if row["tool"] == peer), sep="\n", flush=True)
    return rows


HEAD = """
| tool | nir | file | spikes that differ | output differs by at most |
|---|---|---|---|---|
"""


def table(found: dict[str, Any]) -> str:
    rows = "".join(
        f"| {row['tool']} {row.get('version', '')} | {row.get('nir', '')} | {row['file']} | {_cell(row['spikes'])} "
        f"| {_cell(row['output'])} |\n"
        for row in found["rows"]
    )
    return (
        f"{START}\nRecurrent LIF, {found['size']}; Python {found['python']}, torch {found['torch']}. Spikes: the "
        f"file up to the recurrent layer. Output: the whole file.\n{HEAD}{rows}\n{END}"
    )


def _cell(said: str) -> str:
    return " ".join(said.replace("|", "\\|").split())[:300]


def write_table(found: dict[str, Any]) -> None:
    text = PAGE.read_text()
    before, rest = text.split(START)
    PAGE.write_text(before + table(found) + rest.split(END)[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, help="where the environments are made, and deleted; default: a temporary folder"
    )
    parser.add_argument("--only-report", action="store_true")
    asked = parser.parse_args()
    if not asked.only_report:
        torch.set_num_threads(1)
        with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
            rows = measure(Path(folder))
        size = f"{T} steps, {B} samples, {H} neurons"
        found = {"size": size, "python": platform.python_version(), "torch": torch.__version__, "rows": rows}
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    write_table(json.loads(RESULTS.read_text()))


if __name__ == "__main__":
    sys.exit(main())

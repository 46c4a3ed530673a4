"""Functions behind the command line and `import neurorec as nr`, on plain objects."""

from pathlib import Path
from typing import Any

from neurorec.basics.cards import read_toml
from neurorec.basics.errors import InputError
from neurorec.engines.on_nir import read_nir
from neurorec.experiments.collect import rebuild_network, stored_half
from neurorec.experiments.kinds import load_any_study
from neurorec.experiments.store import read_run
from neurorec.hardware.chips.chip import Chip, load_chip
from neurorec.hardware.chips.link import load_link
from neurorec.hardware.export import export_network
from neurorec.hardware.export.verify import verify_nir
from neurorec.hardware.pricing.bill import Cost
from neurorec.hardware.pricing.price import estimate_cost as price
from neurorec.hardware.workload.workload import TrainingRun
from neurorec.tasks.task import load_task
from neurorec.training import Run, load_pair
from neurorec.training.fit import encoded_split


def estimate_cost(run: Run, chip: str | Path | Chip, training: bool = True) -> Cost:
    """What one inference of `run`'s network costs on `chip`, from the activity on the whole test split."""
    card = chip if isinstance(chip, Chip) else load_chip(chip)
    more = {name: int(run.training[name]) for name in run.method.reports}
    trained = TrainingRun(run.method, int(run.training["samples_seen"]), int(run.training["weight_updates"]), more)
    return price(run.network, run.activity, card, training=trained if training else None)


def export(run: Run, to: str, path: str | Path, **profile: Any) -> Path:
    """Write `run`'s network to `path` in the format `to`. `profile`: options of the format (for NIR nir_version, time_unit,
    gain, dt_s, leaky, ...), or profile=NAME. Raises `CannotRun` with the reason if that is impossible."""
    export_network(run.network, Path(path), to, **profile)
    return Path(path)


def export_run(folder: Path, to: str, out: Path, profile: str | None = None) -> str:
    """Export the network of a stored run and verify the file on the task's whole test split; returns the result in words.
    `profile`: the name of a choice of the format's options."""
    record = read_run(folder)
    network = rebuild_network(record, folder)
    export_network(network, out, to, profile)
    x = encoded_split(stored_half(record, folder).encoder, load_task(record.task, record.seed), "test", record.seed).x
    return f"{out}: {verify_nir(network, out, x)}"


def check_file(path: Path) -> str:
    """The kind of `path`: a pair, chip, link or study card, or a NIR graph. Raises `InputError` if it is none or invalid."""
    if path.suffix == ".nir":
        graph = read_nir(path)
        apart = f" (no path leads from the Input to {', '.join(sorted(graph.apart))})" if graph.apart else ""
        return f"NIR graph of {len(graph.nodes)} nodes{apart}"
    if path.is_dir():
        raise InputError(f"{path}: this is a folder; give one file, e.g. neurorec check {path / 'my_card.toml'}")
    if path.suffix != ".toml":
        raise InputError(f'{path}: cards end in ".toml" and NIR graphs in ".nir"; this is neither')
    data = read_toml(path)
    if "question" in data:
        load_any_study(path)
        return "study"
    if "rate" in data or "spiking" in data:
        load_pair(path)
        return "pair"
    if "joins" in data:
        load_link(path)
        return "link"
    if {"energy", "memory", "must_price"} & set(data):
        load_chip(path)
        return "chip"
    raise InputError(
        f"{path.name}: neither a study (it has no question), nor a pair (no [rate] and [spiking]), nor a chip (no must_price), "
        "nor a link (no joins); copy a card from experiments/, models/, hardware/ or hardware/links/ and edit it"
    )

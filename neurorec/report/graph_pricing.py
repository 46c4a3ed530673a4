"""`neurorec cost FILE.nir --input RECORDING`: what was counted at each node, then a table of chips."""

from pathlib import Path

from rich import box
from rich.table import Table

from neurorec.basics.cards import card_names
from neurorec.basics.counts import Counts
from neurorec.basics.errors import InputError
from neurorec.experiments.verbs import price_graph
from neurorec.hardware.workload.graph import GraphCost
from neurorec.report.console import plain_console
from neurorec.report.pricing import Placing, print_priced


def is_graph(what: Path | None, recording: Path | None, settings: list[str] | None) -> bool:
    """Whether a NIR file is to be priced; --input and --nir go with nothing else."""
    if what is not None and what.suffix == ".nir":
        return True
    if recording is not None or settings:
        given = "--input" if recording is not None else "--nir"
        raise InputError(f"{given} goes with a NIR file: neurorec cost FILE.nir --input RECORDING.npy")
    return False


def print_graph_cost(
    path: Path | None,
    recording: Path | None,
    chips: list[str] | None,
    signal: str,
    settings: list[str],
    placing: Placing,
    refused_with: dict[str, object],
) -> None:
    """The graph in `path`, run on `recording`, on each chip."""
    assert path is not None
    for flag, value in refused_with.items():
        if value not in (None, False):
            raise InputError(f"{flag} does not go with a NIR file; leave it out")
    if recording is None:
        raise InputError(
            f"{path}: spikes decide what a network costs, so give what it hears: --input RECORDING.npy, [T, B, ...] or [T, ...]"
        )
    chips = chips or card_names("hardware")
    priced = price_graph(path, recording, chips, settings, signal, placing.anneal, placing.partition)
    _print_nodes(path, priced)
    print_priced(priced.costs, path.stem, placing)


def _print_nodes(path: Path, priced: GraphCost) -> None:
    """Counts of one inference: means over the samples of the recording."""
    console, n, seen = plain_console(), priced.operations.samples, priced.seen
    held = seen.roles.sent[seen.graph.input]
    table = Table(
        title=f"{path.name}: one inference of {seen.steps:,} steps of {seen.dt_ms:g} ms, mean over {n:,} sample(s); "
        f"the recording holds {held}",
        title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0),
    )  # fmt: skip
    for head in ("node", "kind", "hears"):
        table.add_column(head)
    for head in ("elements", "spikes or\nvalues in", "synaptic\nevents", "MACs", "neuron\nupdates", "spikes out"):
        table.add_column(head, justify="right")
    for node in priced.nodes:
        counts = node.counts
        numbers = (_heard(counts), counts.synaptic_events, counts.macs, counts.neuron_updates, counts.spikes)
        means = [f"{number / n:,.10g}" if number else "–" for number in numbers]
        table.add_row(node.name, node.kind, node.hears, f"{node.elements:,}", *means)
    total = priced.operations.total
    sums = (_heard(total), total.synaptic_events, total.macs, total.neuron_updates, total.spikes)
    table.add_section()
    table.add_row("in all", "", "", "", *(f"{number / n:,.10g}" for number in sums))
    console.print(table)


def _heard(counts: Counts) -> int:
    """Spikes and values that arrive at synapses."""
    return counts.activation_reads + counts.address_reads

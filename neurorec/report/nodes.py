"""Counts at each node of a NIR graph."""

from rich import box
from rich.table import Table

from neurorec.basics.counts import Counts
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.graph import ObservedGraph, count_nodes
from neurorec.hardware.workload.workload import Workload
from neurorec.report.console import plain_console
from neurorec.report.wording import plural


def print_nodes(name: str, seen: ObservedGraph, work: Workload) -> None:
    """Counts per inference: means over the samples of the recording."""
    n, held = work.samples, seen.roles.sent[seen.graph.input]
    table = Table(
        title=f"{name}: one inference of {plural(work.steps, 'step')} of {seen.dt_ms:g} ms, mean over {plural(n, 'sample')}; "
        f"the recording holds {held}",
        title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0),
    )  # fmt: skip
    for head in ("node", "kind", "hears"):
        table.add_column(head)
    for head in ("elements", "spikes or\nvalues in", "synaptic\nevents", "MACs", "neuron\nupdates", "spikes out"):
        table.add_column(head, justify="right")
    for node in count_nodes(seen, work):
        counts = node.counts
        numbers = (_heard(counts), counts.synaptic_events, counts.macs, counts.neuron_updates, counts.spikes)
        means = [f"{number / n:,.10g}" if number else "–" for number in numbers]
        table.add_row(node.name, node.kind, node.hears, f"{node.elements:,}", *means)
    total = count_work(work).total
    sums = (_heard(total), total.synaptic_events, total.macs, total.neuron_updates, total.spikes)
    table.add_section()
    table.add_row("total", "", "", "", *(f"{number / n:,.10g}" for number in sums))
    plain_console().print(table)


def _heard(counts: Counts) -> int:
    """Spikes and values that arrive at synapses."""
    return counts.activation_reads + counts.address_reads

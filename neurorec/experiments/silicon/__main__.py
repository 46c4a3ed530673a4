"""python -m neurorec.experiments.silicon [FOLDER] [--out docs]: every set in seconds, its result as text and data."""

import argparse
import sys
from pathlib import Path

from neurorec.basics.cards import PACKAGE
from neurorec.basics.errors import NeurorecError
from neurorec.experiments.silicon.abr import BOARDS, find_measured
from neurorec.experiments.silicon.keyword import affine_error, keyword_scores, loihi_law, loihi_scores
from neurorec.experiments.silicon.published import chip_scores, microcircuit_scores
from neurorec.experiments.silicon.score import Score
from neurorec.experiments.silicon.tiny import tiny_scores
from neurorec.experiments.silicon.write import write_report

SWEEP_HELD_OUT = (1, 2, 4, 6, 8)  #: branches of the Loihi size sweep that nobody here has seen measured


def all_scores(folder: Path) -> list[Score]:
    keyword = keyword_scores(folder) + loihi_scores(folder)
    return keyword + tiny_scores(folder) + chip_scores() + microcircuit_scores()


def remarks(folder: Path) -> list[str]:
    """What the numbers do not say by themselves."""
    bars = []
    for board, device in BOARDS.items():
        total, dynamic = (affine_error(folder, device, dynamic=dynamic) for dynamic in (False, True))
        bars.append(f"{board} {total:.1%} of total and {dynamic:.1%} of dynamic")
    said = ", ".join(bars)
    law = loihi_law(folder)
    sizes = ", ".join(
        f"N = {n}: {law.total_uJ(172_800 + 655_360 * n + 65_536 * (max(n, 1) - 1), 1):.1f} uJ" for n in SWEEP_HELD_OUT
    )
    return [
        f"Straight lines through the same ends err by: {said}. The law is better on the CPU and worse on the GPU: between the "
        "ends its exponent of sharing lies midway between a straight line and a power law, because two batch sizes cannot "
        "tell which holds; a GPU follows the straight line, this CPU nearly the power law.",
        "Its form was chosen with the given rows in view (they are all in the shared table), so these are not blind errors. "
        "The dynamic part of the CPU is worse than by straight lines: metered power falls from 28 W at batch 1 to 21 W at "
        "batch 2, rises to 25 W and falls again; no law of size and batch follows that. Time errs the other way, so totals "
        "are better.",
        "The Loihi cards miss the measured spotter by about a factor of ten even with an assumed firing rate of 0.09: most of "
        "what was measured is management and step time (an inference took 3.4 ms, the cards' times give 0.4 ms), "
        'which no published price covers; the totals say "at least".',
        f"Loihi size sweep: both given sizes are fitted, so nothing is scored. Predicted, unseen: {sizes} an inference, total.",
        "TrueNorth: both points at 0.8 V are the law itself. At other voltages the card claims nothing; it is wrong as shown.",
        "MLPerf Tiny: one price an operation holds the target on microcontrollers on average, not for every task (image "
        "classification is cheaper an operation than the rest); on GAP9 neither it nor a fixed cost beside it predicts.",
        "ODIN: the published law at its own published point; a check of the counts, not of the law.",
        "Cortical microcircuit: given the measured run time, power a node predicts energy; without it, machines of one kind "
        "differ by more than a factor of 2. The two FPGA machines are alone of their kind and are not predicted.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m neurorec.experiments.silicon", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="measured tables; default ../shared/facts/measured")
    parser.add_argument(
        "--out", type=Path, default=PACKAGE.parent / "docs", help="where the report goes; default docs/"
    )
    asked = parser.parse_args()
    try:
        folder = find_measured(asked.folder)
        scores = all_scores(folder)
        path = write_report(scores, remarks(folder), asked.out)
    except NeurorecError as error:
        raise SystemExit(f"neurorec: {error}") from None
    for score in scores:
        error = (
            "fitted only"
            if score.mean_error is None
            else f"mean {score.mean_error:6.1%}, worst {score.worst_error:6.1%}"
        )
        sys.stdout.write(f"{score.name:62} {len(score.predicted):3} predicted   {error}   target: {score.target}\n")
    sys.stdout.write(f"report: {path}\n")


if __name__ == "__main__":
    main()

"""Pieces of text, shown as they are."""

from neurorec.analysis.found import TextSamples
from neurorec.report.parts import Verbatim
from neurorec.report.plots.figure_part import part_of


@part_of.register
def text_part(samples: TextSamples, name: str) -> Verbatim:
    return Verbatim(samples.title, samples.about, samples.pieces)

"""Options from the command line."""

from collections.abc import Iterable
from dataclasses import asdict, fields

from neurorec.basics.errors import InputError, did_you_mean
from neurorec.engines.nir_graph.conventions import convention
from neurorec.engines.nir_graph.nir_options import CHOICES, NirOptions, promised_options

LIKE = "like"  #: the setting that names a simulator's convention


def options_from_text(settings: Iterable[str], metadata: dict[str, object], where: str) -> NirOptions:
    """Options from the command line, such as "reset=subtract". Where none is given, that of like=SIMULATOR applies, and then
    that stored in a file written by neurorec.

    Raises
    ------
    InputError
        For an unknown option or value, or if neither the settings nor the file give the length of a step.
    """
    like, given = read_settings(settings)
    given = {**like, **given}
    if "neurorec" not in metadata and "dt_s" not in given:
        raise InputError(
            f"{where}: this file was not written by neurorec and does not state how to step it; give at least the length "
            "of a step (on the command line: --nir dt_s=1e-3; see docs/nir.md for all options)"
        )
    promised = asdict(promised_options(metadata, where)) if "neurorec" in metadata else {}
    return NirOptions(**{**promised, **given})  # type: ignore[arg-type]


def read_settings(settings: Iterable[str]) -> tuple[dict[str, object], dict[str, object]]:
    """The options of the simulator named by like=, and those given by their own names."""
    known = [LIKE, *(field.name for field in fields(NirOptions))]
    given: dict[str, object] = {}
    like: dict[str, object] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in known:
            raise InputError(
                f'NIR option "{setting}" is not known{did_you_mean(name, known)}; write NAME=VALUE, with a NAME of '
                f"{', '.join(known)}"
            )
        if name == LIKE:
            like = convention(text).options
        else:
            given[name] = _parsed(name, text)
    return like, given


def _parsed(name: str, text: str) -> object:
    if name in CHOICES:
        return text
    if name != "dt_s":
        if text.lower() not in ("true", "false"):
            raise InputError(f'NIR option {name} must be true or false (got "{text}")')
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        raise InputError(f'NIR option dt_s must be a positive number of seconds (got "{text}")') from None

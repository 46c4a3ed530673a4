"""The kind of engine a name refers to: one that steps cells, or one that runs rules whose weights change at spikes."""

from neurorec.basics.errors import InputError, did_you_mean
from neurorec.engines.engine import engines
from neurorec.engines.event_engine import event_engines


def asked_engines(name: str) -> tuple[str, str]:
    """(engine that steps cells, event engine) for `name`; the kind that it does not name is "auto".

    Raises
    ------
    InputError
        If neither kind has an engine of that name.
    """
    if name in event_engines:
        return "auto", name
    if name in engines or name == "auto":
        return name, "auto"
    raise InputError(
        f'engine "{name}" is not known{did_you_mean(name, [*engines, *event_engines, "auto"])}; known: auto; '
        f"{', '.join(engines)} (for stepping cells); {', '.join(event_engines)} (for rules whose weights change at "
        "spikes, such as stdp)"
    )

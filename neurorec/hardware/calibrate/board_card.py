"""A calibration as a chip card: the text of hardware/NAME.toml."""

import tomllib
from pathlib import Path

from neurorec.basics.capabilities import RUNNING
from neurorec.basics.cards import check_card
from neurorec.basics.citations import cite
from neurorec.basics.errors import InputError, shown
from neurorec.hardware.calibrate.check import Calibration
from neurorec.hardware.calibrate.law_fit import Fit
from neurorec.hardware.chips.chip import Chip

NOTE = """\
A law through metered points: it includes everything that the board consumes, so the figure is all-in. The metered networks
make one pass of multiply-accumulates per inference; a network of T steps is charged for T passes. Nonlinearities, and state
updates outside the multiply-accumulates, were not part of the metered networks and have no price. Spikes are treated as
ordinary numbers: every synapse is computed in every step."""


def write_card(calibration: Calibration, name: str, path: Path, source: str) -> Path:
    """Write the card of the board called `name` to `path`.

    Raises
    ------
    InputError
        For an unknown source, points that give impossible prices, or a path that is not writable.
    """
    cite(source)
    text = card_text(calibration, name, source)
    try:
        check_card(tomllib.loads(text), Chip, path.name)
    except (InputError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"no card can be written from these points, check their units: {error}") from None
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: the card cannot be written ({error.strerror}); choose another with --out") from None
    return path


def card_text(c: Calibration, name: str, source: str) -> str:
    sizes, batches = [p.operations for p in c.points], [p.batch for p in c.points]
    one_size = f"{len(c.points)} metered points, {min(sizes):,.0f} to {max(sizes):,.0f} operations"
    idle = "" if c.idle_mW is None else _static(c.idle_mW, source)
    return f'''about = "{name}: calibrated from {one_size}, batch {min(batches)} to {max(batches)}"
note = """
{NOTE}"""
scope = "all-in"
signals = ["spikes", "values"]
counts_spikes = false
offers = [{", ".join(f'"{name}"' for name in RUNNING)}]
must_price = ["call", "mac", "elementwise", "nonlinearity"{', "static"' if idle else ""}]

[why_not]
learning = "it was metered for inference only"

[law]
obtained = "metered"
known = "computed"
source = "{source}"
note = "non-negative least squares on relative errors of time and of {"dynamic" if idle else "total"} energy"
points = [{", ".join(f'"{_said(p.where)}"' for p in c.points)}]
operations = [{min(sizes)}, {max(sizes)}]
batch = [{min(batches)}, {max(batches)}]
energy_is = "{"dynamic" if idle else "total"}"
band_factor = {c.band_factor:.4g}
band_from = "{c.band_from}"

[law.time]
call_us = {c.time.call:.6g}
shared_ns = {c.time.shared * 1e3:.6g}
each_ns = {c.time.each * 1e3:.6g}
{_bend(c.time)}

[law.energy]
call_nJ = {c.energy.call:.6g}
shared_pJ = {c.energy.shared * 1e3:.6g}
each_pJ = {c.energy.each * 1e3:.6g}
{_bend(c.energy)}
{idle}'''


def _bend(fit: Fit) -> str:
    a, k = fit.sharing_between, fit.growth_between
    return f"""smallest = {fit.bend.smallest}
sharing = {fit.bend.sharing:.6g}
sharing_between = [{a[0]:.6g}, {a[1]:.6g}]
growth = {fit.bend.growth:.6g}
growth_between = [{k[0]:.6g}, {k[1]:.6g}]"""


def _said(where: str) -> str:
    return shown(where, 200).replace("\\", "/").replace('"', "'")


def _static(idle_mW: float, source: str) -> str:
    return f'''
[static]
time = "as fast as possible"

[static.power]
mW = {idle_mW:.6g}
band = "none found"
scope = "all-in"
obtained = "metered"
known = "read"
source = "{source}"
note = "idle power; mean of the rows"
'''

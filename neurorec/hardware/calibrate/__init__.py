"""Calibration of a user's board: a few metered points become a chip card with bands, or are refused with the reason."""

from neurorec.hardware.calibrate.board_card import write_card
from neurorec.hardware.calibrate.check import Calibration, calibrate
from neurorec.hardware.calibrate.measurements import Measurement, read_measurements

__all__ = ["Calibration", "Measurement", "calibrate", "read_measurements", "write_card"]

"""Where neurons go: which core holds which, and how far spikes travel. Prices are none of its business."""

from neurorec.hardware.mapping.in_order import Core, Mapping, check_limit, place_in_order

__all__ = ["Core", "Mapping", "check_limit", "place_in_order"]

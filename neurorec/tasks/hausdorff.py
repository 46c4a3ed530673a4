"""The modified Hausdorff distance between drawings (Dubuisson and Jain 1994)."""

import numpy as np
from scipy.spatial import KDTree

from neurorec.basics.errors import InputError


class Outline:
    """A drawing as the places of its inked pixels [n, 2], relative to their mean.

    Raises
    ------
    InputError
        If it has no ink.
    """

    def __init__(self, ink: np.ndarray) -> None:
        places = np.argwhere(ink).astype(float)
        if not len(places):
            size = " x ".join(map(str, ink.shape))
            raise InputError(f"a drawing of {size} pixels has no ink, so no distance to others")
        self.places = places - places.mean(0)
        self.tree = KDTree(self.places)

    def mean_distance_from(self, other: "Outline") -> float:
        """Mean distance from each pixel of the other drawing to the closest one of this drawing."""
        return float(self.tree.query(other.places)[0].mean())


def hausdorff(one: Outline, other: Outline) -> float:
    """The mean distance from each pixel to the closest one of the other drawing, in the direction in which it is larger."""
    return max(one.mean_distance_from(other), other.mean_distance_from(one))


def closest(test: Outline, training: list[Outline]) -> int:
    """The number of the training drawing with the smallest distance (the first one in case of a tie).

    The larger of two means is no smaller than either, so the second is computed only while the first does not exceed the best.
    """
    one_way = [each.mean_distance_from(test) for each in training]
    best, found = np.inf, 0
    for number in np.argsort(one_way, kind="stable").tolist():
        if one_way[number] > best:
            break
        distance = max(one_way[number], test.mean_distance_from(training[number]))
        if distance < best or (distance == best and number < found):
            best, found = distance, number
    return found

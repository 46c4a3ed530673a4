"""From and to the node classes of the `nir` package."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import MISSING, fields
from functools import cache
from typing import Any

import numpy as np

from neurorec.basics.errors import InputError
from neurorec.engines.nir_graph.parameters import spatial_axes
from neurorec.engines.nir_graph.plain_graph import MOST_DEPTH, PlainGraph, PlainNode, titled
from neurorec.engines.nir_graph.shapes import Shape

FOLLOWS = ("input_shape", "input_type")  #: as "shape", parameters that follow from the graph, and may be missing


@cache
def required_parameters(kind: str) -> Mapping[str, bool]:
    """The parameters of a kind of node, and whether a file must give them."""
    import nir

    if kind in ("Input", "Output"):
        return {"shape": False}  # nir calls it input_type or output_type in memory
    own = [field for field in fields(getattr(nir, kind)) if field.name not in ("output_type", "metadata")]
    default = {field.name: field.default is not MISSING or field.default_factory is not MISSING for field in own}
    if kind != "Flatten":
        default.pop("input_type", None)
    return {name: not has_default and name not in FOLLOWS for name, has_default in default.items()}


def plain_graph(graph: Any, where: str, depth: int = 0) -> PlainGraph:
    """A `nir.NIRGraph` in memory."""
    if depth > MOST_DEPTH:
        raise InputError(f"{where}: graphs are nested more than {MOST_DEPTH} deep; write them flat")
    nodes = {
        str(name): plain_graph(node, where, depth + 1) if type(node).__name__ == "NIRGraph" else _plain_node(node)
        for name, node in graph.nodes.items()
    }
    metadata = graph.metadata if isinstance(graph.metadata, dict) else {}
    return PlainGraph(nodes, [(str(a), str(b)) for a, b in graph.edges], dict(metadata))


def _plain_node(node: Any) -> PlainNode:
    kind = type(node).__name__
    if kind in ("Input", "Output"):
        ports = node.input_type if kind == "Input" else node.output_type
        return PlainNode(kind, {"shape": _port(ports)}, node)
    values = {field.name: getattr(node, field.name, None) for field in fields(node)}
    values = {name: value for name, value in values.items() if name not in ("input_type", "output_type", "metadata")}
    if kind == "Flatten":
        values["input_type"] = _port(node.input_type)
    return PlainNode(kind, values, node)


def _port(ports: Any) -> Any:
    return next(iter(ports.values()), None) if isinstance(ports, dict) else ports


def nir_node(name: str, node: PlainNode, values: dict[str, Any], takes: Shape, sends: Shape, where: str) -> Any:
    """The node as an object of `nir`, with validated values and the shapes that follow from the graph."""
    import nir

    ports = {"input_type": {"input": np.array(takes, int)}, "output_type": {"output": np.array(sends, int)}}
    following = _following(node.kind, takes)
    values = {name: value for name, value in values.items() if name != "shape" and name not in following}
    try:
        if node.made is not None:
            made = copy(node.made)
        elif node.kind in ("Input", "Output"):
            made = getattr(nir, node.kind)(ports["input_type" if node.kind == "Input" else "output_type"])
        else:
            made = getattr(nir, node.kind)(
                **values, **dict.fromkeys(following)
            )  # nir miscalculates some of these shapes
    except Exception as error:  # whatever nir raises for a value that passed the checks above
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"{where}: nir {nir.version} cannot make {titled(name, node.kind)}: {reason}") from None
    for attribute, value in {**values, **following, **ports}.items():
        setattr(made, attribute, value)
    return made


def _following(kind: str, takes: Shape) -> dict[str, Any]:
    if kind == "Flatten":
        return {"input_type": {"input": np.array(takes, int)}}
    axes = spatial_axes(kind)
    if not kind.startswith("Conv"):
        return {}
    return {"input_shape": takes[1] if axes == 1 else tuple(takes[1:])}

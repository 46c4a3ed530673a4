"""Reads the HDF5 file of a NIR graph within bounds: headers first, numbers only when their total size is acceptable.

A few kilobytes may claim gigabytes (data sets that were never written, compressed zeros), link back to themselves, or point to
other files. Groups are visited once, links to other files are refused, and the bytes of all data sets are added up from their
headers before any of them is read.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from neurorec.basics.errors import InputError
from neurorec.engines.nir_graph.plain_graph import (
    MOST_BYTES,
    MOST_DEPTH,
    Edge,
    PlainGraph,
    PlainNode,
    Unusable,
    refuse,
    shown,
)
from neurorec.engines.nir_graph.trial import returns

SECONDS, BYTES_PER_SECOND = 1.5, 50e6  #: of processor time that reading may take
BYTES_OF_TEXT = 256  #: that one string takes in memory, at least


def read_plain(path: Path) -> tuple[PlainGraph, list[str]]:
    """The graph in `path`, and the faults of its layout. Metadata of nodes and of inner graphs are ignored.

    Raises
    ------
    InputError
        If the file is not HDF5, holds no graph, or holds more than `MOST_BYTES` of numbers.
    """
    import h5py

    def read() -> tuple[PlainGraph, list[str]]:
        with h5py.File(path, "r") as file:
            return _Reader(file, str(path)).graph()

    try:
        if not returns(read, SECONDS + path.stat().st_size / BYTES_PER_SECOND):
            raise OSError("the HDF5 library crashes or does not return")
        return read()
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, UnicodeError, MemoryError, OverflowError) as error:
        text = shown(error, 300)  # h5py raises any of these for a damaged file, depending on the damaged byte
        raise InputError(f"{path}: this is not a NIR file, or a damaged one (NIR files are HDF5): {text}") from None


class _Reader:
    def __init__(self, file: Any, where: str) -> None:
        self.file, self.where = file, where
        self.faults: list[str] = []
        self.visited: set[Any] = set()
        self.bytes = 0
        self.largest = (0, "")

    def graph(self) -> tuple[PlainGraph, list[str]]:
        """Two passes: `_open` finds every data set and adds up sizes, `_load` reads them."""
        members = self._members(self.file, "the file", only="node")
        root = members.get("node")
        if not isinstance(root, dict):
            refuse(
                self.where, ['this HDF5 file has no group "node", so it holds no NIR graph; write it with nir.write']
            )
        tree = self._load(root, "the graph")
        if isinstance(tree, dict) and "nodes" not in tree and "edges" not in tree and "type" in tree:
            kind = shown(tree["type"])
            refuse(self.where, [f"the file holds a single {kind} node, not a graph; wrap it in nir.NIRGraph"])
        return self._graph(tree, "", "the graph"), self.faults

    def _members(self, group: Any, what: str, only: str | None = None, depth: int = 0) -> dict[str, Any]:
        """Everything in `group`: data sets as they are (not read), groups as dictionaries."""
        self.visited.add(group)
        found: dict[str, Any] = {}
        for name in group if only is None else [only]:
            here = f'"{shown(name)}" of {what}'
            found[name] = self._member(group, name, here, depth)
            if found[name] is None:
                del found[name]
        return found

    def _member(self, group: Any, name: str, here: str, depth: int) -> Any:
        import h5py

        link = group.get(name, getlink=True)
        if link is None:
            return None
        if isinstance(link, h5py.ExternalLink):
            self.faults.append(f"{here} is a link to another file; copy the data into this one")
            return None
        try:
            member = group[name]
        except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
            self.faults.append(f"{here} cannot be opened ({shown(error, 150)})")
            return None
        if isinstance(member, h5py.Dataset):
            return self._sized(member, here)
        if not isinstance(member, h5py.Group):
            self.faults.append(f"{here} is a {type(member).__name__}; expected a group or a data set")
            return None
        if member in self.visited or depth > 2 * MOST_DEPTH:
            reason = "occurs twice (a link)" if member in self.visited else f"is nested more than {MOST_DEPTH} deep"
            self.faults.append(f"{here} {reason}; write the file again with nir.write")
            return None
        inside = f'node "{shown(name)}"' if group.name.endswith("/nodes") else here
        return self._members(member, inside, depth=depth + 1)

    def _sized(self, data: Any, here: str) -> Any:
        """The data set, if its numbers are in this file; its size counts from now on."""
        try:
            dtype, shape, chunks = data.dtype, data.shape, data.chunks
        except (TypeError, ValueError, RuntimeError, KeyError, OSError) as error:
            return Unusable(f"a data type that NumPy does not have ({shown(error, 100)})")
        if data.is_virtual or data.external is not None:
            return Unusable("numbers in another file; copy them into this one")
        if shape is None:
            return Unusable("an empty data set")
        each = BYTES_OF_TEXT if dtype.kind == "O" else max(dtype.itemsize, 4)
        size = each * max(prod(shape), prod(chunks or ()))  # a chunk is unpacked whole
        self.bytes += size
        self.largest = max(self.largest, (size, here))
        if self.bytes > MOST_BYTES:
            raise InputError(
                f"{self.where}: the numbers of this file take {self.bytes / 2**20:,.0f} MiB or more (at {self.largest[1]}: "
                f"{self.largest[0] / 2**20:,.0f} MiB); at most {MOST_BYTES / 2**20:.0f} MiB in total are read"
            )
        return data

    def _load(self, found: Any, here: str) -> Any:
        if isinstance(found, dict):
            return {name: self._load(inner, f'"{shown(name)}" of {here}') for name, inner in found.items()}
        if isinstance(found, Unusable):
            return found
        try:
            return _value(found)
        except (OSError, RuntimeError, ValueError, TypeError, KeyError, MemoryError) as error:
            return Unusable(f"a data set that cannot be read ({shown(error, 150)})")

    def _graph(self, tree: dict[str, Any], prefix: str, what: str) -> PlainGraph:
        for name in tree:
            if name not in ("type", "nodes", "edges", "metadata", "version"):
                self.faults.append(f'{what} has an unknown member "{shown(name)}"; known: edges, metadata, nodes')
        nodes, metadata = tree.get("nodes"), tree.get("metadata", {})
        if not isinstance(nodes, dict):
            self.faults.append(f'{what} has no group "nodes"; NIR graphs hold their nodes there')
            nodes = {}
        found = {name: self._node(name, prefix + name, inner) for name, inner in nodes.items()}
        kept = {name: node for name, node in found.items() if node is not None}
        return PlainGraph(kept, self._edges(tree, what), metadata if isinstance(metadata, dict) else {})

    def _node(self, name: str, full: str, tree: Any) -> PlainNode | PlainGraph | None:
        if not isinstance(tree, dict):
            self.faults.append(f'node "{shown(full)}" is a data set; expected a group with a "type"')
            return None
        kind = tree.get("type")
        if not isinstance(kind, str) or isinstance(kind, Unusable) or not kind:
            got = "nothing" if kind is None or kind == "" else kind if isinstance(kind, Unusable) else "numbers"
            self.faults.append(f'node "{shown(full)}": type must be the name of a NIR node; got {got}')
            return PlainNode("", {})
        if kind == "NIRGraph":
            return self._graph(tree, full + ".", f'the inner graph "{shown(full)}"')
        values = {key: Unusable("a group") if isinstance(value, dict) else value for key, value in tree.items()}
        return PlainNode(kind, {key: value for key, value in values.items() if key not in ("type", "metadata")})

    def _edges(self, tree: dict[str, Any], what: str) -> list[Edge]:
        edges = tree.get("edges")
        if isinstance(edges, np.ndarray) and edges.size == 0:
            return []
        if isinstance(edges, np.ndarray) and edges.dtype.kind == "O" and edges.ndim == 2 and edges.shape[1] == 2:
            return [(str(a), str(b)) for a, b in edges]
        got = "nothing" if edges is None else edges if isinstance(edges, Unusable) else f"shape {np.shape(edges)}"
        self.faults.append(f"{what}: edges must be pairs of node names, shape [n, 2]; got {got}")
        return []


def _value(data: Any) -> Any:
    """Numbers in the machine's own byte order, text as str, pairs of text as an array of str."""
    import h5py

    if h5py.check_string_dtype(data.dtype) is not None:
        text = data[()]
        if isinstance(text, bytes):
            return text.decode("utf8", "surrogateescape")
        words = [word.decode("utf8", "surrogateescape") if isinstance(word, bytes) else str(word) for word in text.flat]
        return np.array(words, dtype=object).reshape(text.shape)
    if data.dtype.kind not in "biufcV":
        return Unusable(f"data of type {data.dtype}")
    if data.dtype.kind in "cV":
        return Unusable(f"numbers of type {data.dtype}" if data.dtype.kind == "c" else "records")
    numbers = np.asarray(data[()])
    return numbers.astype(np.float64 if numbers.dtype.itemsize > 8 else numbers.dtype.newbyteorder("="))[()]

"""NIR files to break, and ways to break them: each changes one thing in an open HDF5 file."""

import io
from functools import cache
from itertools import pairwise

import h5py
import nir
import numpy as np
from hypothesis import strategies as st


class Content(bytes):
    """A file; shown by how it came about, since its bytes say nothing."""

    made = ""

    def __repr__(self):
        return f"<{self.made}>"

    __str__ = __repr__


def full(value, *shape):
    return np.full(shape or (1,), float(value))


def _ports(inputs, outputs):
    return nir.Input({"input": np.atleast_1d(inputs)}), nir.Output({"output": np.atleast_1d(outputs)})


def _chain(inputs, outputs, nodes, **more):
    ends = _ports(inputs, outputs)
    named = {"input": ends[0], **nodes, "output": ends[1]}
    return nir.NIRGraph(named, list(pairwise(named)), **more)


def _recurrent():
    cuba = {name: full(2, 4) for name in ("tau_syn", "tau_mem", "r")}
    nodes = {
        "fc": nir.Affine(np.ones((4, 3)), full(0.1, 4)),
        "lif": nir.CubaLIF(**cuba, v_leak=full(0, 4), v_threshold=full(0.5, 4), w_in=full(1, 4)),
        "readout": nir.Linear(np.ones((2, 4))),
        "li": nir.LI(full(3, 2), full(1, 2), full(0, 2)),
    }
    graph = _chain(3, 2, nodes, metadata={"neurorec": {"dt_s": 1e-3, "reset": "zero", "several_spikes": False}})
    graph.nodes["w_rec"] = nir.Linear(-np.eye(4))
    graph.edges += [("lif", "w_rec"), ("w_rec", "lif")]
    return graph


def _convolution():
    conv = {"stride": 1, "padding": 1, "dilation": 1, "groups": 1}
    nodes = {
        "conv": nir.Conv2d((6, 6), np.ones((4, 2, 3, 3)), bias=full(0, 4), **conv),
        "if": nir.IF(full(1, 4, 6, 6), full(1, 4, 6, 6)),
        "sum": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "mean": nir.AvgPool2d(np.array([3, 3]), np.array([1, 1]), np.array([1, 1])),
        "flat": nir.Flatten({"input": np.array([4, 3, 3])}, 0, -1),
        "fc": nir.Affine(np.ones((2, 36)), full(0, 2)),
        "spike": nir.Threshold(full(1, 2)),
    }
    return _chain([2, 6, 6], 2, nodes)


def _others():
    inner = _chain(3, 3, {"lin": nir.Linear(np.eye(3)), "lif": nir.LIF(full(2, 3), full(1, 3), full(0, 3), full(1, 3))})
    nodes = {
        "wait": nir.Delay(np.array([0.0, 1.0, 2.0])),
        "scale": nir.Scale(full(2, 3)),
        "sub": inner,
        "i": nir.I(full(1, 3)),
        "cuba": nir.CubaLI(full(2, 3), full(2, 3), full(1, 3), full(0, 3)),
    }
    return _chain(3, 3, nodes)


def _line():
    conv = nir.Conv1d(9, np.ones((2, 2, 3)), stride=2, padding="valid", dilation=1, groups=1, bias=full(0, 2))
    return _chain([2, 9], [2, 4], {"conv": conv, "if": nir.IF(full(1, 2, 4), full(1, 2, 4))})


GRAPHS = {"recurrent": _recurrent, "convolution": _convolution, "others": _others, "line": _line}


@cache
def written(name):
    memory = io.BytesIO()
    nir.write(memory, GRAPHS[name]())
    return memory.getvalue()


ODD_NUMBERS = [np.nan, np.inf, -np.inf, 0.0, -1.0, 0.5, 2.0, 3.0, 1e-300, 1e300, 2.0**31, 2.0**63, 1e6]
ODD_VALUES = {
    "complex": 1 + 1j,
    "text": "text",
    "texts": np.array(["a", "b"], dtype=h5py.string_dtype()),
    "bytes": np.bytes_(b"\xff\xfe"),
    "record": np.zeros(2, dtype=[("a", "f4")]),
    "empty": h5py.Empty("f4"),
    "nothing": np.zeros(0),
    "scalar": 1.0,
    "true": True,
    "wide": np.ones((2, 3, 4)),
    "many": np.ones(7, dtype=">i8"),
    "long": np.ones(4, dtype=np.longdouble),
    "half": np.ones(3, dtype=np.float16),
}
NAMES = st.sampled_from(
    ["x", "sub.lin", "type", "metadata", "nodes", "", "a/b", "\x1b[31m", "é", "w" * 300, "Input", "LIF"]
)
LAZY = [
    {"shape": (10**9,), "chunks": (10**6,), "compression": "gzip"},
    {"shape": (10**5, 10**5), "chunks": (100, 100)},
    {"shape": (4,), "maxshape": (None,), "chunks": (10**8,)},
    {"shape": (2**40,), "chunks": (1024,)},
]


def _all(file, kind):
    found = []
    file["node"].visititems(lambda name, item: found.append(f"node/{name}") if isinstance(item, kind) else None)
    return sorted(found)


def _small(file, kinds="biufcOSV"):
    """Data sets that can be read: not those that another change made huge."""
    found = []

    def look(name, item):
        if isinstance(item, h5py.Dataset) and item.shape is not None and item.size < 1000 and item.dtype.kind in kinds:
            found.append(f"node/{name}")

    file["node"].visititems(look)
    return sorted(found)


def _numbers(draw, file):
    path = draw(st.sampled_from(_small(file, "fi")))
    values = np.array(file[path][()])
    odd = draw(st.sampled_from(ODD_NUMBERS))
    values = values.astype(float) if draw(st.booleans()) or not abs(odd) < 2**31 else values
    if values.ndim and draw(st.booleans()):
        values.flat[draw(st.integers(0, values.size - 1)) if values.size else slice(0)] = odd
    else:
        values[...] = odd
    _replace(file, path, data=values)


def _value(draw, file):
    path = draw(st.sampled_from(_all(file, h5py.Dataset)))
    _replace(file, path, data=ODD_VALUES[draw(st.sampled_from(sorted(ODD_VALUES)))])


def _shape(draw, file):
    path = draw(st.sampled_from(_small(file)))
    values = np.atleast_1d(file[path][()])
    how = draw(
        st.sampled_from(
            [lambda v: v[:-1], lambda v: np.concatenate([v, v]), lambda v: v[None], np.ravel, lambda v: v.T]
        )
    )
    _replace(file, path, data=how(values), dtype=h5py.string_dtype() if values.dtype == object else None)


def _replace(file, path, **made):
    del file[path]
    file.create_dataset(path, **{key: value for key, value in made.items() if value is not None})


def _lazy(draw, file):
    path, more = draw(st.sampled_from(_all(file, h5py.Dataset))), draw(st.sampled_from(LAZY))
    _replace(file, path, dtype=draw(st.sampled_from(["f4", "f8", "i1", h5py.string_dtype()])), **more)


def _drop(draw, file):
    del file[draw(st.sampled_from(_all(file, (h5py.Group, h5py.Dataset))))]


def _rename(draw, file):
    path, name = draw(st.sampled_from(_all(file, (h5py.Group, h5py.Dataset)))), draw(NAMES)
    target = f"{path.rsplit('/', 1)[0]}/{name}"
    if name and target not in file:
        file.move(path, target)


def _duplicate(draw, file):
    path, name = draw(st.sampled_from(_all(file, (h5py.Group, h5py.Dataset)))), draw(NAMES)
    target = f"node/nodes/{name}"
    if name and target not in file and "node/nodes" in file:
        file.copy(path, target)


def _link(draw, file):
    path = draw(st.sampled_from(_all(file, (h5py.Group, h5py.Dataset))))
    to = draw(st.sampled_from([*_all(file, (h5py.Group, h5py.Dataset)), "node", "nowhere"]))
    links = {"soft": h5py.SoftLink(f"/{to}"), "external": h5py.ExternalLink("other.h5", to), "hard": file.get(to)}
    link = links[draw(st.sampled_from(sorted(links)))]
    if link is not None and to != path:
        del file[path]
        file[path] = link


def _kind(draw, file):
    path = draw(st.sampled_from([path for path in _all(file, h5py.Dataset) if path.endswith("/type")]))
    kinds = ["LIF", "LI", "IF", "I", "Affine", "Linear", "Scale", "Delay", "Threshold", "Input", "Output", "NIRGraph"]
    _replace(file, path, data=draw(st.sampled_from([*kinds, "Conv1d", "Flatten", "SumPool2d", "Izhikevich", "", "\0"])))


def _edges(draw, file):
    path = draw(st.sampled_from([path for path in _small(file) if path.endswith("edges")]))
    edges = [list(edge) for edge in file[path].asstr()[()]]
    at = draw(st.integers(0, len(edges) - 1))
    ends = st.sampled_from([end for edge in edges for end in edge] + ["nobody"])
    match draw(st.sampled_from(["drop", "twice", "redirect", "reverse", "loop", "numbers"])):
        case "drop":
            del edges[at]
        case "twice":
            edges.append(edges[at])
        case "redirect":
            edges[at][draw(st.integers(0, 1))] = draw(ends)
        case "reverse":
            edges[at].reverse()
        case "loop":
            edges.append([edges[at][1]] * 2)
        case "numbers":
            return _replace(file, path, data=np.arange(6).reshape(3, 2))
    return _replace(file, path, data=np.array(edges, dtype=object).reshape(-1, 2), dtype=h5py.string_dtype())


def _metadata(draw, file):
    key = draw(st.sampled_from(["dt_s", "reset", "several_spikes", "time_unit", "integrator", "more"]))
    value = (
        ODD_VALUES[draw(st.sampled_from(sorted(ODD_VALUES)))]
        if draw(st.booleans())
        else draw(st.sampled_from(ODD_NUMBERS))
    )
    file.require_group("node")
    path = f"node/metadata/neurorec/{key}"
    if path in file:
        del file[path]
    file[path] = value


CHANGES = [
    _numbers,
    _numbers,
    _value,
    _shape,
    _lazy,
    _drop,
    _rename,
    _duplicate,
    _link,
    _kind,
    _edges,
    _edges,
    _metadata,
]


@st.composite
def mutants(draw):
    """Bytes of a NIR file of known structure with one or two changes."""
    name = draw(st.sampled_from(sorted(GRAPHS)))
    memory = io.BytesIO(written(name))
    changes = draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=2))
    with h5py.File(memory, "r+") as file:
        for change in changes:
            try:
                change(draw, file)
            except (KeyError, ValueError, TypeError, OSError, RuntimeError, AttributeError, IndexError):
                continue  # an earlier change has removed what this one changes
    content = Content(memory.getvalue())
    content.made = f"{name}: {' '.join(change.__name__ for change in changes)}"
    return content


@st.composite
def damaged(draw):
    """Bytes of a NIR file that was cut off, or in which bytes have changed."""
    whole = bytearray(written(draw(st.sampled_from(sorted(GRAPHS)))))
    if draw(st.booleans()):
        return Content(whole[: draw(st.integers(0, len(whole)))])
    for _ in range(draw(st.integers(1, 8))):
        whole[draw(st.integers(0, len(whole) - 1))] = draw(st.integers(0, 255))
    return Content(whole)

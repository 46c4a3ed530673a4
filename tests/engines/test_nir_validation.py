"""Every fault of a NIR file is found before anything is computed, and named: node, type, parameter, got, expected."""

import resource
import time

import h5py
import nir
import numpy as np
import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.engines.nir_graph import hdf5_file
from neurorec.engines.on_nir import NirOptions, read_nir, run_nir
from neurorec.experiments.verbs import check_file
from tests.engines.made_up_nir import STEPS, chain, full, integrate_and_fire, run_column
from tests.fuzz.nir_mutants import written


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.nir"


def refusal(path, graph, **values):
    """The message for `graph` with some data sets replaced (None: removed), without the path."""
    path.write_bytes(written(graph))
    with h5py.File(path, "r+") as file:
        for name, value in values.items():
            where = "node/" + name.replace("__", "/")
            if where in file:
                del file[where]
            if isinstance(value, dict):
                file.create_dataset(where, **value)
            elif value is not None:
                file[where] = value
    with pytest.raises(InputError) as error:
        check_file(path)
    assert str(error.value).startswith(f"{path}: ")
    return str(error.value).removeprefix(f"{path}: ")


FINITE = "must be finite numbers (at most 3.4e38)"
PADDING = 'node "conv" (Conv2d): padding must be integers >= 0 or "same" or "valid" (1 or 2 of them)'
FAULTS = [
    ("fc__weight", np.full((4, 3), np.nan), f'node "fc" (Affine): weight {FINITE}; got nan (12 of 12 values)'),
    ("fc__weight", np.full((4, 3), 1e300), f'node "fc" (Affine): weight {FINITE}; got 1e+300 (12 of 12 values)'),
    ("fc__weight", np.ones((4, 3)) * 1j, f'node "fc" (Affine): weight {FINITE}; got numbers of type complex128'),
    ("fc__bias", "text", f'node "fc" (Affine): bias {FINITE}; got the text "text"'),
    ("fc__bias", np.ones(5), 'node "fc" (Affine): bias must have the shape [4], one per row of weight; got [5]'),
    ("fc__bias", None, 'node "fc" (Affine): bias is missing; expected finite numbers (at most 3.4e38)'),
    ("fc__bias", np.zeros(4, [("a", "f4")]), f'node "fc" (Affine): bias {FINITE}; got records'),
    ("fc__bias", h5py.Empty("f4"), f'node "fc" (Affine): bias {FINITE}; got an empty data set'),
    ("fc__biass", 1.0, 'node "fc" (Affine): unknown parameter "biass" (did you mean "bias"?); known: bias, weight'),
    ("fc__type", None, 'node "fc": type must be the name of a NIR node; got nothing'),
    ("lif__tau_mem", np.zeros(4), 'node "lif" (CubaLIF): tau_mem must be finite numbers > 0; got 0 (4 of 4 values)'),
    ("lif__tau_syn", "1 ms", 'node "lif" (CubaLIF): tau_syn must be finite numbers > 0; got the text "1 ms"'),
    ("lif__r", np.ones(3), 'node "lif" (CubaLIF): all parameters must have the same shape; got tau_syn [4], tau_mem [4], '
     "r [3], v_leak [4], v_threshold [4], v_reset [4], w_in [4]"),
    ("input__shape", np.array([5]), 'edge "input" -> "fc": "input" (Input) sends [5], but "fc" (Affine) takes [3]'),
]  # fmt: skip
CONVOLUTIONS = [
    ("conv__groups", 1000, 'node "conv" (Conv2d): groups must divide the 4 output channels of weight; got 1000'),
    ("conv__groups", -1, 'node "conv" (Conv2d): groups must be integers >= 1 (1 of them); got -1'),
    ("conv__stride", 0, 'node "conv" (Conv2d): stride must be integers >= 1 (1 or 2 of them); got 0'),
    ("conv__padding", "full", f'{PADDING}; got the text "full"'),
    ("conv__padding", [1, 1, 1], f"{PADDING}; got 3 numbers (shape [3])"),
    ("conv__dilation", 9, 'node "conv" (Conv2d) has a kernel that spans [19, 19], more than its padded input, but [2, 6, 6] '
     "arrives"),
    ("mean__padding", [2, 2], 'node "mean" (AvgPool2d) has a padding of [2, 2], more than half of its kernel_size [3, 3], but '
     "[4, 3, 3] arrives"),
    ("flat__end_dim", 7, 'node "flat" (Flatten) has start_dim 0 and end_dim 7, which are not a range of its 3 axes, but '
     "[4, 3, 3] arrives"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "text"), FAULTS)
def test_a_wrong_value(path, name, value, text):
    assert refusal(path, "recurrent", **{f"nodes__{name}": value}) == text


@pytest.mark.parametrize(("name", "value", "text"), CONVOLUTIONS)
def test_a_wrong_setting_of_a_convolution_pool_or_flatten(path, name, value, text):
    assert refusal(path, "convolution", **{f"nodes__{name}": value}) == text


@pytest.mark.parametrize("value", [np.inf, -1.0, np.nan])
def test_a_delay_must_be_finite_and_not_negative(path, value):
    text = refusal(path, "others", nodes__wait__delay=full(value, 3))
    assert text == f'node "wait" (Delay): delay must be finite numbers >= 0; got {value:g} (3 of 3 values)'


def test_a_node_of_an_inner_graph_is_named_with_its_graph(path):
    assert refusal(path, "others", nodes__sub__nodes__lif__tau=None) == (
        'node "sub.lif" (LIF): tau is missing; expected finite numbers > 0'
    )


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("dt_s", "1 ms", 'metadata: neurorec.dt_s must be a number; got str "1 ms"'),
        ("dt_s", -1.0, "metadata: NIR option dt_s must be a positive number of seconds (got -1.0)"),
        ("dt_s", None, "metadata: neurorec.dt_s is missing; expected the length of a step in seconds"),
        ("several_spikes", 3, 'metadata: neurorec.several_spikes must be true or false; got int "3"'),
        ("reset", 1.0, 'metadata: neurorec.reset must be text; got float "1.0"'),
    ],
)
def test_metadata_must_have_the_types_of_the_options(path, option, value, text):
    assert refusal(path, "recurrent", **{f"metadata__neurorec__{option}": value}) == text


def test_all_faults_are_listed_and_a_long_list_is_cut(path):
    wrong = {f"nodes__lif__{name}": full(np.nan, 4) for name in ("tau_mem", "r")}
    edges = np.array([["lif", "nobody"], ["fc", "lif"], ["fc", "lif"]], dtype=object)
    text = refusal(path, "recurrent", **wrong, edges=edges)
    assert text.splitlines()[:5] == [
        "9 faults:",
        '  1. edge "lif" -> "nobody": there is no node "nobody"',
        '  2. edge "fc" -> "lif" occurs 2 times; NIR allows it once',
        '  3. node "lif" (CubaLIF): tau_mem must be finite numbers > 0; got nan (4 of 4 values)',
        f'  4. node "lif" (CubaLIF): r {FINITE}; got nan (4 of 4 values)',
    ]
    extra = {f"nodes__fc__extra{number}": 1.0 for number in range(30)}
    assert refusal(path, "recurrent", **extra).splitlines()[-1] == "  and 10 more"


@pytest.mark.parametrize(
    "claim",
    [
        {"shape": (10**9,), "chunks": (10**6,), "compression": "gzip"},
        {"shape": (4,), "maxshape": (None,), "chunks": (5 * 10**8,)},
    ],
)
def test_a_file_that_claims_gigabytes_is_refused_before_anything_is_read(path, claim):
    """About 40 kB: a bias of 10^9 numbers that were never written, or a chunk that would unfold to 4 GB."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    text = refusal(path, "recurrent", nodes__fc__bias={**claim, "dtype": "f8"})
    assert time.perf_counter() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
    assert text.startswith("the numbers of this file take ")
    assert text.endswith("at most 128 MiB in total are read")
    assert '(at "bias" of node "fc": ' in text


def test_numbers_in_other_files_and_groups_that_link_back_are_refused(path):
    elsewhere = {"shape": (4,), "dtype": "f8", "external": [("/etc/hostname", 0, 32)]}
    got = "got numbers in another file; copy them into this one"
    assert refusal(path, "recurrent", nodes__fc__bias=elsewhere) == f'node "fc" (Affine): bias {FINITE}; {got}'
    back = h5py.SoftLink("/node")
    assert refusal(path, "recurrent", nodes__self=back) == (
        '"self" of "nodes" of "node" of the file occurs twice (a link); write the file again with nir.write'
    )
    text = refusal(path, "recurrent", nodes__fc__bias=h5py.ExternalLink("other.h5", "/bias"))
    assert '"bias" of node "fc" is a link to another file; copy the data into this one' in text


def test_signals_too_large_for_memory_are_refused(path):
    """A padding of 10,000 around [2, 6, 6] with 4 kernels: 4 x 20,004 x 20,004 numbers per step."""
    assert (
        refusal(path, "convolution", nodes__conv__padding=10_000)
        .splitlines()[-1]
        .endswith('MiB per sample, most of it at node "conv" (Conv2d) (6,106 MiB); at most 128 MiB fit')
    )


def test_a_file_that_keeps_the_hdf5_library_busy_for_ever_is_given_up(path, monkeypatch):
    path.write_bytes(written("recurrent"))
    monkeypatch.setattr(hdf5_file, "SECONDS", 0.2)
    monkeypatch.setattr(hdf5_file, "_value", lambda data: [None for _ in iter(int, 1)])
    with pytest.raises(InputError, match=r"damaged one .*: the HDF5 library crashes or does not return"):
        read_nir(path)


def test_graphs_in_memory_are_validated_too():
    with pytest.raises(InputError) as error:
        chain(integrate_and_fire(np.nan))
    assert str(error.value) == f'made up: node "a" (IF): v_threshold {FINITE}; got nan'


def _written_unchecked(path, node, inputs, outputs):
    """A file of Input -> node -> Output that `nir` reads with type_check=False only."""
    nodes = {
        "input": nir.Input({"input": np.array(inputs)}),
        "a": node,
        "output": nir.Output({"output": np.array(outputs)}),
    }
    nir.write(path, nir.NIRGraph(nodes, [("input", "a"), ("a", "output")], type_check=False))
    with pytest.raises(ValueError, match="type mismatch"):
        nir.read(path)
    return read_nir(path)


def test_one_number_may_serve_all_neurons(path):
    """Norse writes parameters without axes."""
    node = nir.LI(tau=np.float64(2), r=np.float64(1), v_leak=np.float64(0))
    graph = _written_unchecked(path, node, [3], [3])
    assert run_nir(graph, torch.tensor([[1.0, 2.0, 4.0]]), STEPS).output.tolist() == [[[0.5, 1.0, 2.0]]]


def test_grouped_convolutions_and_kernels_that_are_not_square(path):
    weight, x = np.arange(24.0).reshape(2, 2, 2, 3), torch.arange(120.0).reshape(1, 1, 4, 5, 6)
    node = nir.Conv2d((5, 6), weight, stride=1, padding=(0, 1), dilation=1, groups=2, bias=np.zeros(2))
    graph = _written_unchecked(path, node, [4, 5, 6], [2, 4, 6])
    expected = torch.nn.functional.conv2d(x[0], torch.tensor(weight).float(), padding=(0, 1), groups=2)
    assert torch.equal(run_nir(graph, x, STEPS).output[0], expected)


def test_check_names_nodes_that_the_input_does_not_reach(path):
    nodes = {"input": nir.Input({"input": np.array([1])}), "a": integrate_and_fire(), "alone": integrate_and_fire()}
    nodes |= {"w": nir.Linear(np.ones((1, 1))), "output": nir.Output({"output": np.array([1])})}
    nir.write(path, nir.NIRGraph(nodes, [("input", "a"), ("a", "output"), ("alone", "w"), ("w", "alone")]))
    assert check_file(path) == "NIR graph of 5 nodes (no path leads from the Input to alone, w)"


def test_a_delay_beyond_the_recording_takes_no_more_memory_than_it():
    run = run_nir(chain(nir.Delay(np.array([1.0, 1e15]))), torch.ones(3, 2), STEPS)
    assert run.output[:, 0].tolist() == [[0, 0], [1, 0], [1, 0]]


def test_numbers_that_overflow_during_the_run_are_refused():
    node = nir.LI(tau=full(1e-30), r=full(1), v_leak=full(0))
    with pytest.raises(InputError, match=r'made up: node "a" holds NaN or infinite numbers during the run'):
        run_column(chain(node), [1.0, 1.0], NirOptions(dt_s=1e-3))

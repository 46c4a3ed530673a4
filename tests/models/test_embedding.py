"""An embedding in front of a layer equals the layer with a wider matrix; on events it costs a read per symbol."""

import torch

from neurorec.engines.engine import choose_engine, engines
from neurorec.engines.observing import observe
from neurorec.hardware.workload.counting import count_work
from neurorec.hardware.workload.trained import trained_work
from neurorec.models.cell import cells
from neurorec.models.network import Network
from neurorec.models.readout import readouts
from neurorec.models.wires import INPUT, Wire
from tests.nets import cell_card

SYMBOLS, VECTOR, UNITS, T, B = 11, 4, 6, 7, 3
IN_A_ROW = (Wire(INPUT, "embedding"), Wire("embedding", "hidden"), Wire("hidden", "readout"))


def embedded() -> Network:
    layers = {
        "embedding": cells["embedding"](cell_card("embedding", VECTOR), SYMBOLS),
        "hidden": cells["lstm"](cell_card("lstm", UNITS), VECTOR),
        "readout": readouts["linear"](readouts["linear"].Card(name="linear"), UNITS, 2),
    }
    network = Network(layers, IN_A_ROW, "spikes", SYMBOLS)
    network.reset_parameters(torch.Generator().manual_seed(0))
    return network


def symbols():
    drawn = torch.randint(SYMBOLS, (T, B), generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.one_hot(drawn, SYMBOLS).float(), drawn


def test_it_is_a_table_of_vectors():
    network, (x, drawn) = embedded(), symbols()
    sent, _ = network.run(x)
    assert torch.equal(sent["embedding"], network["embedding"].w_in.T[drawn])


def test_before_a_layer_it_equals_the_layer_with_the_product_of_both_matrices():
    network, (x, _) = embedded().double(), symbols()
    wide = cells["lstm"](cell_card("lstm", UNITS), SYMBOLS).double()
    with torch.no_grad():
        wide.w_in.copy_(network["hidden"].w_in @ network["embedding"].w_in)
        wide.w_rec.copy_(network["hidden"].w_rec)
        wide.bias.copy_(network["hidden"].bias)
    sent, _ = network.run(x.double())
    torch.testing.assert_close(sent["hidden"], wide(x.double())[0], rtol=0, atol=1e-12)


def test_a_symbol_costs_one_read_of_its_vector_and_no_multiplication():
    network, (x, _) = embedded(), symbols()
    sent, _ = network.run(x)
    counts = count_work(trained_work(network, observe(network, x, sent))).layers
    vector = counts["embedding"]
    assert (vector.macs, vector.weight_reads, vector.activation_writes) == (0, T * B * VECTOR, T * B * VECTOR)
    assert (vector.elementwise, vector.nonlinearities, vector.state_reads, vector.address_reads) == (0, 0, 0, T * B)
    assert counts["hidden"].macs == T * B * 4 * UNITS * (VECTOR + UNITS)


def test_the_fused_engine_leaves_layers_without_state_to_torch():
    network, (x, _) = embedded(), symbols()
    assert engines["fused"]().why_not(network["embedding"]) == "it keeps nothing from step to step"
    assert torch.equal(choose_engine("auto", network).run(network, x).sent["embedding"], network.run(x)[0]["embedding"])


def test_vectors_start_with_the_spread_that_the_card_states():
    wide = cells["embedding"](cell_card("embedding", 400, input_gain=0.5), 65)
    wide.reset_parameters(torch.Generator().manual_seed(0))
    assert abs(float(wide.w_in.detach().std()) - 0.5) < 0.01

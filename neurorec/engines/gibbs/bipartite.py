"""Block Gibbs chains of a restricted Boltzmann machine, in compiled loops."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from neurorec.basics.errors import InputError
from neurorec.engines.gibbs.gibbs_cache import load_kernels
from neurorec.engines.llvm.processor import processor

PANEL_VECTORS = 8  #: vectors per panel of weights: its rows are summed in registers
AT_ONCE = 64  #: chains that go through a panel one after another
NONE = np.zeros((0, 0, 0), np.float32)


class BipartiteChains:
    """V visible and H hidden units of 0 and 1, weight [V, H]; computes in float32.

    p(h_j = 1 | v) = sigmoid((hidden_bias_j + sum over i of v_i weight_ij) / temperature), and p(v_i = 1 | h) likewise.
    """

    def __init__(
        self, weight: np.ndarray, visible_bias: np.ndarray, hidden_bias: np.ndarray, temperature: float = 1.0
    ) -> None:
        self.visible, self.hidden = weight.shape
        self.per_temperature = np.float32(1 / temperature)
        self._width = max(PANEL_VECTORS * processor().lanes, processor().padding)
        self._to_hidden, self._to_visible = self._panels(weight), self._panels(weight.T)
        self._visible_bias, self._hidden_bias = self._padded(visible_bias), self._padded(hidden_bias)

    def sweep(
        self, visible: np.ndarray, sweeps: int, seed: int = 0, *, first_chain: int = 0, first_sweep: int = 0,
        uniforms: np.ndarray | None = None, threads: int = 1,
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """Visible [B, V] and hidden [B, H] states after `sweeps` sweeps from visible states [B, V].

        Chain b draws the numbers of chain `first_chain + b`, from sweep `first_sweep` on. With `uniforms` [sweeps, B, H + V],
        these are used instead.
        """
        visible = np.asarray(visible)
        B, units = len(visible), self.visible + self.hidden
        if visible.shape != (B, self.visible) or not ((visible == 0) | (visible == 1)).all():
            raise InputError(
                f"chains start from visible states of 0 and 1, [B, {self.visible}] (got {list(visible.shape)})"
            )
        if uniforms is not None and uniforms.shape != (sweeps, B, units):
            raise InputError(f"uniforms must be [sweeps, B, H + V] = {[sweeps, B, units]} (got {list(uniforms.shape)})")
        v, h = self._padded(visible), np.zeros((B, self._to(self.hidden)), np.float32)
        given = NONE if uniforms is None else uniforms.astype(np.float32)
        kernel, size = load_kernels("gibbs_kernels").sweep_chains, min(AT_ONCE, max(1, -(-B // threads)))

        def part(start: int) -> None:
            chains = slice(start, start + size)
            kernel(
                self._to_hidden, self._to_visible, self._visible_bias, self._hidden_bias, v[chains], h[chains],
                (self.visible, self.hidden), (sweeps, seed, first_chain + start, first_sweep), self.per_temperature,
                given[:, chains],
            )  # fmt: skip

        starts = range(0, B, size)
        if min(threads, len(starts)) <= 1:
            list(map(part, starts))
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(part, starts))
        return v[:, : self.visible], h[:, : self.hidden]

    def _to(self, units: int) -> int:
        return -(-units // self._width) * self._width

    def _padded(self, rows: np.ndarray) -> np.ndarray:
        """Rows with zeros after their end, up to whole panels."""
        missing = self._to(rows.shape[-1]) - rows.shape[-1]
        return np.ascontiguousarray(np.pad(rows.astype(np.float32), [(0, 0)] * (rows.ndim - 1) + [(0, missing)]))

    def _panels(self, matrix: np.ndarray) -> np.ndarray:
        padded = self._padded(matrix)
        return np.ascontiguousarray(padded.reshape(len(matrix), -1, self._width).transpose(1, 0, 2))

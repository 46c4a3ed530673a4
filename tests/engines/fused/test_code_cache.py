"""Compiled code: where it is kept, and that narrower vectors than this machine's give the same results."""

import os
import stat
import subprocess
import sys

import pytest

from neurorec.basics import files
from neurorec.basics.files import user_cache
from neurorec.engines.fused import cache
from neurorec.engines.llvm.numba_cache import load_compiled
from neurorec.engines.llvm.processor import processor


def test_compiled_code_is_kept_where_it_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache.cache_folder().parent == tmp_path / "cache" / "neurorec"
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
    assert cache.cache_folder().parent.parent == tmp_path / "temporary"
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    with pytest.raises(RuntimeError, match="set XDG_CACHE_HOME to a writable folder"):
        cache.cache_folder()


def test_compiled_code_is_kept_only_where_nobody_else_can_write(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
    mine = user_cache("code")
    assert mine == tmp_path / "cache" / "neurorec" / "code"
    assert stat.S_IMODE(mine.stat().st_mode) == 0o700
    for folder in (mine, mine.parent):
        folder.chmod(0o770)
        assert user_cache("code").parent.parent == tmp_path / "temporary"
        folder.chmod(0o700)
    mine.rename(tmp_path / "elsewhere")
    mine.symlink_to(tmp_path / "elsewhere")
    assert user_cache("code").parent.parent == tmp_path / "temporary"
    monkeypatch.setattr(files.os, "getuid", lambda: 2**30)
    with pytest.raises(RuntimeError, match="that only you may write to"):
        user_cache("code")


COMPILED = """
import numba

@numba.njit(cache=True)
def double(x):
    return 2 * x
"""


@pytest.mark.parametrize("what", [".nbi", ".nbc"])
@pytest.mark.parametrize(
    "damage", [lambda content: content[:40], lambda content: content[:-1] + b"x", lambda content: b""]
)
def test_a_damaged_cache_is_dropped_and_built_again(tmp_path, monkeypatch, what, damage):
    (tmp_path / "compiled_here.py").write_text(COMPILED)
    monkeypatch.syspath_prepend(tmp_path)

    def loaded():
        monkeypatch.delitem(sys.modules, "compiled_here", raising=False)
        double = load_compiled("compiled_here", tmp_path / "cache").double
        assert double(21) == 42
        return sum(double.stats.cache_hits.values())

    assert (loaded(), loaded()) == (0, 1)
    (path,) = (tmp_path / "cache").rglob(f"*{what}")
    path.write_bytes(damage(path.read_bytes()))
    assert (loaded(), loaded()) == (0, 1)


def test_no_room_for_compiled_code_costs_only_time(tmp_path, monkeypatch):
    (tmp_path / "compiled_here.py").write_text(COMPILED)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "compiled_here", raising=False)
    double = load_compiled("compiled_here", tmp_path / "cache").double

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(double._cache._cache_file), "_write", full)
    assert double(21) == 42


def test_loading_leaves_numba_as_it_was():
    import numba

    before = numba.config.CACHE_DIR
    cache.load_loops.cache_clear()
    assert callable(cache.load_loops().forward_rows)
    assert before == numba.config.CACHE_DIR


@pytest.mark.parametrize(
    ("cpu", "features", "lanes"),
    [
        ("generic", None, 4),
        ("x86-64", "+sse2", 4),
        ("haswell", "+avx2,+fma", 8),
        ("skylake-avx512", "+avx2,+avx512f", 16),
    ],
)
def test_the_width_of_vectors_follows_numbas_settings(monkeypatch, cpu, features, lanes):
    monkeypatch.setenv("NUMBA_CPU_NAME", cpu)
    monkeypatch.delenv("NUMBA_CPU_FEATURES", raising=False)
    if features is not None:
        monkeypatch.setenv("NUMBA_CPU_FEATURES", features)
    assert (processor.__wrapped__().cpu, processor.__wrapped__().lanes) == (cpu, lanes)


PROCESSORS = {
    "haswell": (8, "+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+avx,+avx2,+fma,+bmi,+bmi2,+lzcnt"),
    "x86-64": (4, "+sse2"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(PROCESSORS))
def test_narrower_vectors_give_the_same(name):
    """AVX2 and plain 128-bit vectors, chosen by numba's own settings."""
    lanes, features = PROCESSORS[name]
    missing = set(features.split(",")) - set(processor().features.split(","))
    if missing:
        pytest.skip(f"this processor lacks {', '.join(sorted(missing))}")
    code = (
        "from neurorec.engines.fused import unroll\n"
        "from neurorec.engines.llvm.processor import processor\n"
        "from tests.engines.fused.comparing import assert_agree, inputs, on_grid\n"
        "for surrogate in ('superspike', 'triangle'):\n"
        "    net = on_grid('lif', I=130, H=70, input_gain=5.0, surrogate=surrogate)\n"
        "    for unroll.KEEP_BYTES in ({True: n, False: n} for n in (0, 2**30)):\n"
        "        assert_agree(net, inputs(net, 40, 19, share=0.3))\n"
        "print(processor().lanes)"
    )
    chosen = os.environ | {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=chosen)
    assert run.returncode == 0, run.stderr
    assert run.stdout == f"{lanes}\n"

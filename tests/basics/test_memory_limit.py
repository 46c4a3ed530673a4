"""What would not fit is refused with the figure, before anything is allocated."""

import resource
import subprocess
import sys

import pytest

from neurorec.basics import memory_limit as memory
from neurorec.basics.errors import InputError
from neurorec.basics.memory_limit import memory_limit, refuse_memory


def test_more_than_there_is_is_refused_with_both_figures(monkeypatch):
    monkeypatch.setattr(memory, "memory_limit", lambda: 8 * 10**9)
    refuse_memory(8 * 10**9, "a small network", "use a smaller one")
    with pytest.raises(InputError) as caught:
        refuse_memory(64 * 10**9, "a network", "use a smaller one")
    assert str(caught.value) == "a network would take 64 GB of memory, but there are 8 GB; use a smaller one"


def test_the_limit_of_a_container_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "CGROUP", tmp_path / "memory.max")
    whole = memory_limit()
    (tmp_path / "memory.max").write_text("1000000\n")
    assert memory_limit() == 1_000_000 < whole
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_limit() == whole


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="address space is limited on Linux")
def test_the_limit_of_the_shell_counts():
    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9))

    code = "from neurorec.basics.memory_limit import memory_limit; print(memory_limit())"
    said = subprocess.run([sys.executable, "-c", code], preexec_fn=limited, capture_output=True, text=True, check=True)
    assert 0 < int(said.stdout) < 10**9

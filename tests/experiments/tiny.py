"""A study small enough for tests: one pair of 12 units, one epoch, on two tasks."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from neurorec.experiments.manifest import MANIFEST, manifest_of
from neurorec.experiments.plan import RunSpec
from neurorec.experiments.runner import Watcher

TRAINING = """
[[{half}.training]]
rule = "bptt"
task = "{task}"
epochs = {epochs}
batch_size = 256
learning_rate = {learning_rate}
learning_rate_decay = 1.0
clip_norm = 1.0
rate_target = 0.0
rate_weight = 0.0
"""

PAIR = """
about = "a pair for tests"
sources = ["elman1990"]
[matched]
recurrent_units = "12"
parameters = "not matched"
input_information = "not matched"
configurations_tried = "none"
[rate.cell]
name = "elman"
size = 12
input_gain = 1.0
recurrent_gain = 1.0
[rate.readout]
name = "linear"
[rate.encoder]
name = "none"
{rate_training}
[spiking.cell]
name = "lif"
size = 12
dt_ms = 1.0
tau_mem_ms = 10.0
tau_syn_ms = 5.0
v_threshold = 1.0
v_leak = 0.0
v_reset = 0.0
reset = "zero"
learn_time_constants = false
surrogate = "superspike"
slope = 5.0
input_gain = {input_gain}
recurrent_gain = 1.0
[spiking.readout]
name = "leaky"
tau_ms = 5.0
dt_ms = 1.0
[spiking.encoder]
name = "regular_rate"
dt_ms = 1.0
steps_per_frame = 2
{spiking_training}
"""

STUDY = """
about = "a study for tests"
question = "Does it run?"
pairs = ["tiny"]
chips = ["loihi1", "cortex_m4"]
report_chip = "loihi1"
seeds = [0]
controls = ["baselines", "frozen recurrence"]
[quick]
seeds = [0]
max_epochs = 1
max_samples = 32
"""


def write_study(
    folder: Path,
    *,
    input_gain: float = 6.0,
    rate_learning_rate: float = 0.003,
    epochs: int = 1,
    task: str = "store_recall",
) -> Path:
    """tiny.toml and study.toml in `folder`; the pair lies beside the study that names it."""
    folder.mkdir(parents=True, exist_ok=True)
    rate = TRAINING.format(half="rate", task=task, epochs=epochs, learning_rate=rate_learning_rate)
    spiking = TRAINING.format(half="spiking", task=task, epochs=epochs, learning_rate=0.01)
    (folder / "tiny.toml").write_text(PAIR.format(rate_training=rate, spiking_training=spiking, input_gain=input_gain))
    (folder / "study.toml").write_text(STUDY)
    return folder / "study.toml"


def in_this_process() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1)


def seal(folder: Path) -> None:
    """Write the manifest of the files that now lie in the folder of a run."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != MANIFEST}
    (folder / MANIFEST).write_bytes(manifest_of(files))


class Notebook(Watcher):
    """Writes down what a runner tells."""

    def __init__(self) -> None:
        self.total = self.already_done = 0
        self.ended: dict[str, str] = {}

    def begin(self, total: int, already_done: int) -> None:
        self.total, self.already_done = total, already_done

    def finished(self, spec: RunSpec, reason: str) -> None:
        self.ended[spec.run_id] = reason

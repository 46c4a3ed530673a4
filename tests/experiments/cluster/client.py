"""`neurorec run CARD --out OUT --cluster ADDRESS` with runs that are noted, as a process to be killed."""

import sys
from pathlib import Path

from neurorec.experiments import runner
from neurorec.experiments.kinds.trainings import prepare_study, run_study
from tests.experiments.cluster.machines import noted

if __name__ == "__main__":
    card, out, address = sys.argv[1:]
    runner.execute = noted
    run_study(prepare_study(card, out=Path(out), cluster=address))

"""From stored runs to study results: read the records, price every network on every chip, export what can be exported."""

import platform
import time
from pathlib import Path

import torch

from neurorec.basics.errors import CannotRun
from neurorec.engines.activity import Activity
from neurorec.experiments.plan import RunSpec
from neurorec.experiments.results import CostRow, RunRecord, StudyResults
from neurorec.experiments.store import Store, read_activity, read_weights
from neurorec.experiments.study import LoadedStudy
from neurorec.hardware.chip import Chip
from neurorec.hardware.cost import Cost, TrainingRun, estimate_cost
from neurorec.hardware.export.exporter import export_network
from neurorec.hardware.export.verify import compare_norse, compare_snntorch, verify_nir
from neurorec.learning.rule import rules
from neurorec.models.network import Network
from neurorec.tasks.task import load_task
from neurorec.training import LoadedPair, load_pair

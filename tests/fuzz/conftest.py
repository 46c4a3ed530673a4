"""Every run tries the same examples, so that a change is judged by itself; NEUROREC_FUZZ=new tries others.

Hypothesis also draws constants that it finds in the modules loaded so far. They differ from command to command, so they are
left out, unless others are to be tried.
"""

import os

from hypothesis import settings
from hypothesis.internal.conjecture import providers

SAME = os.environ.get("NEUROREC_FUZZ") != "new"
settings.register_profile("fuzz", derandomize=SAME, database=None, deadline=None)
settings.load_profile("fuzz")
if SAME:
    providers._get_local_constants = lambda: providers._local_constants

"""Every run tries the same examples, so that a change is judged by itself; NEUROREC_FUZZ=new tries others."""

import os

from hypothesis import settings

settings.register_profile("fuzz", derandomize=os.environ.get("NEUROREC_FUZZ") != "new", database=None, deadline=None)
settings.load_profile("fuzz")

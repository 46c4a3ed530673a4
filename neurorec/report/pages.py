"""The pages of all kinds of study: `page_of(results)`."""

import neurorec.report.communication.page
import neurorec.report.silicon.page
import neurorec.report.training.page  # noqa: F401  (these three register their pages)
from neurorec.report.page import page_of

__all__ = ["page_of"]

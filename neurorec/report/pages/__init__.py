"""The pages of all kinds of study, one per file. Importing this folder registers them: `page_of(results)`."""

from neurorec.basics.registry import import_members
from neurorec.report.page import page_of

import_members(__name__, __path__)

__all__ = ["page_of"]

"""Where the verbs print: as wide as the terminal, and wide enough for every table where nobody looks (a file, a pipe)."""

import os
import sys

from rich.console import Console

WIDE = 160  #: columns; a number cut off in a file is lost


def plain_console() -> Console:
    unknown = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, width=WIDE if unknown else None)

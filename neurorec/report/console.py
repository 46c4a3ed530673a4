"""The console for output: as wide as the terminal, or wide enough for every table in a file or pipe."""

import os
import sys

from rich.console import Console

WIDE = 160  #: columns; a truncated number in a file would be lost


def plain_console() -> Console:
    """Square brackets are printed as they are: names and texts of cards are no markup."""
    unknown = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, markup=False, width=WIDE if unknown else None)

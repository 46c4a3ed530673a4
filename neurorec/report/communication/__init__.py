"""The report of a communication study: tables, plots, page and answer."""

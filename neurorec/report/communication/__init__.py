"""The report of a communication study: files, tables, plots, page and the summary for docs/."""

"""Reports from stored results: tables in the terminal, results.csv, one HTML page, the ledger in docs/."""

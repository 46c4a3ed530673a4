"""From stored results to what a person reads: tables in the terminal, results.csv, one HTML page, the ledger in docs/."""

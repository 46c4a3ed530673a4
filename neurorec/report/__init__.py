"""From stored results to what a person reads: tables in the terminal, results.csv, results.json and one HTML page."""

from neurorec.report.page import write_report
from neurorec.report.rows import csv_rows, load_results, write_csv, write_json
from neurorec.report.terminal import print_results

__all__ = ["csv_rows", "load_results", "print_results", "write_csv", "write_json", "write_report"]

"""Speed compared with other libraries, run by hand; results are stored here with machine and versions."""

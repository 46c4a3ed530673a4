"""Speed against other libraries, run by hand; results are kept beside with the machine and the versions they came from."""

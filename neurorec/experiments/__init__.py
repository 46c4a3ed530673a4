"""Many runs, one question: the catalogue of studies, the plan, the resumable runner, and results."""

"""Many runs, one question: the study catalogue, the plan, the runner that resumes, and what came out."""

"""The search for constants of a training study: a space and a budget in the card, the same for every training; validation
data only. The test split is read once, by the runs that follow."""

"""Analyses in studies: their cards, the plan, how each is computed and stored. Both kinds of study that have them use this."""

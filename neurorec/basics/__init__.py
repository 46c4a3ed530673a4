"""Foundations of all other folders: errors, registry, cards, seeds, citations."""

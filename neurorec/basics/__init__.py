"""What every floor stands on: errors, registry, cards, seeds, citations."""

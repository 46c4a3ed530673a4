"""Chip and link cards: every number with its unit, band, scope and source."""

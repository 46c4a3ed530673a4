"""Plots of the page: small SVGs of 360 px, which look the same on a telephone and on a desktop."""

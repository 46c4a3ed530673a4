"""How studies that train are shown."""

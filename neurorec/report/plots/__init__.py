"""Pictures of the page: each a small SVG of 360 px, so that it reads the same on a telephone and on a desk."""

"""Studies: from an uploaded picture to its mask, overlay and findings."""

"""Releases of weights: come in as archives, are proven, compared, activated and rolled back."""

"""Segmentation: training, releases, and inference without torch. Imports no sibling package."""

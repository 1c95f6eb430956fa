"""Headlines: what health channels outside the box report, fetched now and then, kept for when the line is down."""

"""What the box may answer from: documents, cut into passages, signed off by a clinician."""

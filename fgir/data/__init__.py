"""How images come: from an archive to batches."""

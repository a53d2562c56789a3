"""From an archive to batches of images."""

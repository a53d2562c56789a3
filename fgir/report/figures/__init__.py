"""Draw figures of a summary and of datasets."""

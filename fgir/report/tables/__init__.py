"""Print tables of a summary, a plan, datasets and searches."""

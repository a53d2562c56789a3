"""From a study to what there is to do: specs, the graph of jobs, targets, plan. Nothing here loads torch."""

"""What there is to do: specs from a study, inputs, targets, plan. Torch-free."""

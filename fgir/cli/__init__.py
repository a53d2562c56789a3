"""Define the command `fgir`: a file a group of verbs."""

"""Show people what a study found: tables that are printed, figures that are drawn."""

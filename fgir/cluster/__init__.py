"""Runs on Slurm and on this machine without Snakemake, and what goes on there."""

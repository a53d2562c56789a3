"""Send runs to Slurm or to this machine without Snakemake, and show the jobs there."""

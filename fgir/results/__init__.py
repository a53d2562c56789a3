"""What is written: tables, and how they are read, merged and ranked."""

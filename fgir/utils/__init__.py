"""Serve every other package with what belongs to none of them: errors, files, devices, signals."""

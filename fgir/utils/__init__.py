"""What every other package uses and none of it is about: errors, files, devices, signals."""

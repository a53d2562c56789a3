"""What people look at: printed tables and figures."""

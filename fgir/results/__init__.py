"""Write tables; read, merge and rank them."""

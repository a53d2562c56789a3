"""What inference costs: MACs, throughput, latency, memory."""

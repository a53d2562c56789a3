"""Measure what inference costs: MACs, throughput, latency, memory."""

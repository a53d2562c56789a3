"""Figures that are drawn."""

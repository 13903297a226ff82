"""Kinds for service delivery: what happens to a customer's documents, and who hears of it."""

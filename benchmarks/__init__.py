"""What Flow Editor costs, as ratios. `make benchmark` and `make benchmark-site`; see docs/performance.md."""

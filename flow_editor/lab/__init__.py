"""The embedded host: one SQLite file, a virtual clock, documents as plain rows, and nothing that leaves the machine.

For newcomers without a bench, for tests and simulations, and for authors who keep flows in git. It runs the same
engine, kinds, services and routes as the site.
"""

"""A host in memory: a virtual clock, documents as plain rows, and nothing that leaves the machine.

Tests and simulations use it as it is; the lab is this host on an SQLite file. It runs the same services as a site, and has no
permissions to obey.
"""

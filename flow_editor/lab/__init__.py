"""The embedded host: the trial host on one SQLite file, with a small web server, sample documents and a command line.

For newcomers without a bench, and for authors who keep flows in git. It runs the same engine, kinds, services and routes as
the site.
"""

from served import SERVED, served

# Without a site that is served there is nothing to ask.
collect_ignore_glob = [] if SERVED else ["test_*.py"]

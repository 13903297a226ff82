"""The doors that both hosts open: the table of routes, the API that it describes, and the verbs of both command lines."""

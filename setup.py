"""For tools that still ask for it: everything is in pyproject.toml."""

from setuptools import find_packages, setup

setup(name="flow_editor", packages=find_packages(include=["flow_editor", "flow_editor.*"]))

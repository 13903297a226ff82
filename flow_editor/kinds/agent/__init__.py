"""Kinds for conversations. They are composed, checked and stored; nothing runs them yet."""

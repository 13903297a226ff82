"""Step kinds, one file each: what changes documents of any DocType."""

"""Step kinds, one file each: what tells people."""

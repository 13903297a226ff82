"""Step kinds, one file each: what calls other systems."""

"""Step kinds, one file each: what a run itself does: it decides and waits."""

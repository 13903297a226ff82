"""Step kinds, one file each: what ERPNext alone has."""

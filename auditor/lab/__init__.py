"""Lab: a synthetic organisation with planted faults and known answers."""

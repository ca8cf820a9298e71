"""Collectors: one function per command, answers in, rows of evidence out."""

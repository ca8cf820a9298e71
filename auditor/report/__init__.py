"""Report: renders an assessment. It counts, sorts and words; it never judges."""

"""Prediction: pure functions over evidence; unknown input gives unknown output."""

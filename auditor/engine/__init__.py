"""Engine: rules, verdicts, waivers and readiness."""

"""What the page of a run says beyond its report: baselines, calibration, groups, importance of columns, and others."""

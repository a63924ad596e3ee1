"""What a comparison score means: error rates, calibration to a log-likelihood ratio and an FMR, fusion."""

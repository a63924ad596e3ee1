"""Every constant of this room; natural logarithms throughout."""

# How many errors a rate must rest on to count as measured: within 30 % of the truth at 90 % confidence, were the
# comparisons independent (the "rule of 30": Doddington et al., Speech Communication 31, 2000).
RULE_OF_30 = 30

# When no error was seen in n comparisons the rate may still be 3 / n, at 95 % confidence (ISO/IEC 19795-1, the "rule of
# 3"): no mated score is so bad that fewer than this many of all mated comparisons would have it.
RULE_OF_3 = 3

# Beyond the measured rates the tail of the non-mated scores is exponential. It is not followed further than this
# factor: a score that says more than that is stated as this FMR.
EXTRAPOLATION_LIMIT = 1e-3

# A tail that begins above mislabelled comparisons takes its slope from the ranks below them: this many times as many.
SLOPE_WINDOW = 10

# Width of the bins in which the log-likelihood ratio is fitted, in units of -ln FMR.
BIN_WIDTH = 0.25

# Strengths of smoothing to choose from (held-out likelihood decides), and the weight of the penalty on falling steps.
SMOOTHING = (1.0, 10.0, 100.0, 1e3, 1e4)
MONOTONE_WEIGHT = 1e6
FIT_ITERATIONS = 200
FIT_TOLERANCE = 1e-8
INNER_FOLDS = 5

# Grid of the convolution of log-likelihood ratios. The sum is rounded up by at most one step a modality.
GRID_STEP = 0.01

# Bins of the expected calibration error.
ECE_BINS = 15

# Normal scores: the step between the quantiles that are knots, and from which one on the last stretch's slope is taken.
NORMAL_SCORE_STEP = 0.1
NORMAL_SCORE_SLOPE_FROM = 2.3

# Joint fusion: between these shares of the lowest and of the highest of either kind, scores are surely a matcher's own
# (fewer absurd ones than that among those fitted move nothing); beyond a gap of so many times the way they are absurd.
CORE_MATED = 0.1
CORE_NON_MATED = 0.01
ABSURD_BEYOND = 3.0

# Joint fusion: the ridges of the two regressions, the scale of the calibrated ratios; components of the two mixtures
# and the share of the variances that is added to them.
NORMAL_RIDGE = 10.0
LLR_RIDGE = 1.0
LLR_SCALE = 0.2
MATED_COMPONENTS = 2
NON_MATED_COMPONENTS = 4
MATED_RIDGE = 0.01
NON_MATED_RIDGE = 1e-3
MIXTURE_ITERATIONS = 200
MIXTURE_TOLERANCE = 1e-5

# The mixture of non-mated scores is fitted to all points with a normal score above this, and to so many of the others.
TAIL_FROM = 2.0
BULK_POINTS = 6000

# A generalised Pareto tail is fitted to so many of the highest non-mated scores, and to no more than a tenth of all.
PARETO_EXCEEDANCES = 1000

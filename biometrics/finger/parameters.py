"""Every constant of fingerprint recognition. Lengths are pixels at 500 dpi, angles radians.

The fitted part, weights and chance, is in `weights.json` and comes from one data set, `neuro_uareu` (65 fingers, one
sensor). The tolerances, the threshold of a minutia and the priors were set by hand, with the figures of that set *and*
of the four public competition sets in sight: on these the accuracy is not quite that of a blind test. They lie on a
plateau (with tolerances from 6 to 10 pixels the mean error of the four sets moved between 1.5 and 1.8 % before the
fit).

A new value makes other scores: it needs a new ENGINE id and a new calibration as soon as anything was stored.
"""

from __future__ import annotations

import math
from typing import Final

ENGINE: Final = "leader-edges-2"

# --- the picture -----------------------------------------------------------------------------------------------------
DPI: Final = 500.0
"""What the network was trained on and templates are stated in."""
STATED_DPI_RANGE: Final = (125.0, 4000.0)
"""Beyond this a picture of a finger cannot be brought to 500 dpi."""
FILE_DPI_RANGE: Final = (250.0, 2000.0)
"""What is believed of a file: many programs write 72, 96 or 200 into files that were never measured."""
DPI_SLACK: Final = 0.02
"""Up to this relative difference to 500 dpi no resampling is done: skin stretches more than that."""
MAX_AREA: Final = 1_200_000
"""Pixels at 500 dpi; a rolled finger has 600,000. Beyond it is no single finger, and would take seconds."""
MAX_SIDE: Final = 4095
"""The longest side that the stored form can say."""

# --- is there a finger -----------------------------------------------------------------------------------------------
BLOCK: Final = 16
"""Side of the blocks whose contrast is judged: one to two ridges."""
BLOCK_CONTRAST: Final = 8.0
"""Standard deviation of grey in a block from which it may show ridges; an empty scanner's noise is below 4."""
MIN_FOREGROUND_AREA: Final = 60 * 60
"""Pixels of such blocks below which there is no finger on the scanner: about 3 x 3 mm."""
FOREGROUND_LINE_BLOCKS: Final = 2
"""Blocks with contrast from which a line of blocks belongs to the finger and not to a speck of dust."""
FOREGROUND_MARGIN: Final = 32
"""Blank pixels around the finger that the network is shown: the context of the minutiae at the print's edge."""
FOREGROUND_SHARE: Final = 0.6
"""Only where the finger and this margin are at most so much of the picture is the rest left out. Cropping all pictures
saved 15 % of the time on one of five sets and nothing on the others, and cost 0.1 points of equal error rate."""
MIN_MINUTIAE: Final = 6
"""Fewer cannot be told from chance: no template is made of them, and one that has fewer scores 0."""
NO_FINGER_MINUTIAE: Final = 3
"""Up to this many are what the network sees in pictures of other things."""

# --- polarity --------------------------------------------------------------------------------------------------------
INVERTED_BY: Final = 15.0
"""Grey levels by which a picture's rim has to be darker than ridges and valleys in the mean to be taken for a negative.
Set on the public sets: of 840 whole pictures none is taken for one, and 9 negatives are not noticed, all of the
synthetic set; of the same pictures cut to the middle, without any ground, 7 are wrongly turned."""

# --- ridge period ----------------------------------------------------------------------------------------------------
PERIOD_WINDOW: Final = 64
PERIOD_STEP: Final = 32
PERIOD_RANGE: Final = (3.5, 30.0)
"""Where the period is looked for."""
PERIOD_PEAK_SHARE: Final = 0.3
"""Share of a window's power within a third of an octave and 30 degrees of its peak from which it shows ridges."""
MIN_PERIOD_WINDOWS: Final = 4
MIN_PERIOD_WINDOW_SHARE: Final = 0.3
"""With fewer such windows, or a smaller share of those with contrast, nothing is said about the period."""
PLAUSIBLE_PERIOD: Final = (5.5, 14.0)
"""Median ridge period at 500 dpi from a small child's finger to a large man's, with room: the public sets have 6.1 to
10.9. Of captures whose resolution is stated wrong by a factor of two about seven in eight are noticed (the others show
too few parallel ridges to tell); one that is wrong by less than that looks like another finger."""
CLEARLY_PLAUSIBLE_PERIOD: Final = (6.5, 11.5)
"""Where a first look at few windows settles it. It settles 701 of the 840 pictures of the public sets, and decides none
of them otherwise than all windows would, nor when they are scaled as if they had 350 to 850 dpi."""

# --- minutiae --------------------------------------------------------------------------------------------------------
SIZE_MULTIPLE: Final = 32
"""The network halves its input five times."""
MINUTIA_THRESHOLD: Final = 0.5
ENDING_THRESHOLD: Final = 0.5
"""The network's type is the probability of an ending."""
MAX_MINUTIAE: Final = 100
"""The surest are kept: a finger has fewer, and time grows with the square."""
FULL_QUALITY_MINUTIAE: Final = 40.0
"""Sum of the minutiae's qualities (0..1 each) from which a capture's quality is 100."""

# --- interchange -----------------------------------------------------------------------------------------------------
IMPORTED: Final = "import:"
"""What the engine ids of templates begin with that were read from another maker's format."""
MAX_RECORD_BYTES: Final = 512 * 1024
"""Every view of every finger with as many minutiae as a record can state is less."""
SLOT_BYTES: Final = 512
"""A fingerprint's slot on the chip of a resident identity card."""

# --- matcher ---------------------------------------------------------------------------------------------------------
NEIGHBOURS: Final = 9
LENGTH_TOLERANCE: Final = 7.0
ANGLE_TOLERANCE: Final = math.radians(9.0)
LENGTH_SLACK: Final = 0.69 * LENGTH_TOLERANCE
"""Errors below this count as this: they are the grid's and the skin's."""
ANGLE_SLACK: Final = 0.27 * ANGLE_TOLERANCE
ROOT_EDGE_MIN_LENGTH: Final = 30.0
ROOT_EDGE_MAX_LENGTH: Final = 250.0
ROOT_LENGTH_TOLERANCE: Final = 13.0
"""Wider than LENGTH_TOLERANCE: an edge across the finger takes up all the distortion between its ends."""
ROOT_ANGLE_TOLERANCE: Final = math.radians(10.0)
ROOTS: Final = 64
"""Pairs of minutiae that may become roots, those with the most votes."""
GROWN_ROOTS: Final = 16
"""Pairings grown from them; a pair that lies in a pairing already is passed over."""
MIN_ROOT_VOTES: Final = 1
OUTLINE_MARGIN: Final = 4.0

SHARE_PRIOR: Final = 8.0
OVERLAP_PRIOR: Final = 4.0
"""Minutiae that are counted as unpaired in every share; see `score`."""
MEAN_PRIOR: Final = 8.0
PRIOR_DISPLACEMENT: Final = 3.0
PRIOR_TURNING: Final = 0.1
"""Pairs that are counted in every mean, and what they are taken to have: about what chance pairings have."""

# --- minutia cylinder codes (values of the paper where it has them) --------------------------------------------------
CYLINDER_RADIUS: Final = 70.0
CYLINDER_CELLS: Final = 8
"""Cells a side of the base: 8 x 8 bits are one word."""
CYLINDER_SECTIONS: Final = 6
CYLINDER_SPREAD: Final = 28.0 / 3.0
"""Standard deviation of a neighbour's weight by its distance from a cell."""
CYLINDER_REACH: Final = 3.0 * CYLINDER_SPREAD
CYLINDER_TURN_SPREAD: Final = math.radians(40.0)
CYLINDER_THRESHOLD: Final = 0.01 * CYLINDER_SPREAD * math.sqrt(2.0 * math.pi)
"""What the neighbours' weights, 1 at their own place, must add up to for a bit (0.01 of the paper's densities)."""
CYLINDER_MARGIN: Final = 50.0
"""Skin that is taken to be seen around the outline of the minutiae."""
COUNTED_PAIRS: Final = (4, 12)
COUNTED_PAIRS_MIDDLE: Final = 20
COUNTED_PAIRS_SLOPE: Final = 0.4
"""How many pairs count rises from the one to the other around so many minutiae."""
PAIR_LENGTH_TOLERANCE: Final = 12.0
PAIR_TURN_TOLERANCE: Final = math.radians(30.0)
"""Two pairs that differ by this much in their distance, or in how they are turned, do not go together."""
RELAXATIONS: Final = 5
RELAXATION_HOLD: Final = 0.5
"""What a pair keeps of its similarity in each relaxation; the rest is what the others lend it."""
SEARCH_PAIRS: Final = 16
"""Pairs that are relaxed in a search: with all of them the first stage takes twice as long and ranks no better."""
SHORTLIST: Final = 20
"""How many of the first stage's best the accurate comparison looks at."""

# --- consolidation of impressions ------------------------------------------------------------------------------------
MIN_CONSOLIDATION_SCORE: Final = 40.0
"""From here an impression is taken to be of the same finger: one non-mated pair in 10,000 reaches it."""
BEND_REACH: Final = 60.0
"""How far a pair bends its surroundings with it: standard deviation of its weight."""
SAME_MINUTIA_DISTANCE: Final = 10.0
SAME_MINUTIA_ANGLE: Final = math.radians(25.0)
"""Within these two minutiae that lie on each other are one, about a ridge apart."""
MIN_SEEN_SHARE: Final = 0.4
"""Share of the impressions in whose outline a minutia lies that must show it."""

# --- what chance reaches: the fitted part is in weights.json (`fitted`) ----------------------------------------------
SIZE_RANGE: Final = (math.log(MIN_MINUTIAE * MIN_MINUTIAE), math.log(MAX_MINUTIAE * MAX_MINUTIAE))
"""Sizes ln(n m) of both captures for which it was fitted; beyond it the value at its end holds."""
MIN_DECADE: Final = 0.1

"""Every constant of the fingerprint generator; lengths in pixels at 500 dpi, angles in degrees unless stated."""

from dataclasses import dataclass, replace
from typing import Final

# The master: the whole fingertip pad, from the crease of the last joint to below the nail.
MASTER_WIDTH: Final = 400
MASTER_HEIGHT: Final = 544

# Natural frequencies of the classes, C. L. Wilson et al., "Neural network fingerprint classification" (1994).
CLASS_FREQUENCIES: Final = {
    "arch": 0.037,
    "tented_arch": 0.029,
    "left_loop": 0.338,
    "right_loop": 0.317,
    "whorl": 0.279,
}

# Orientation field.
CORE_X_SPREAD: Final = 14.0
CORE_Y: Final = 0.43  # of the master's height
CORE_Y_SPREAD: Final = 18.0
BEND: Final = 1.05  # radians that bring a core's parabola to a bend over parallel legs, and how far that reaches
BEND_REACH: Final = 48.0
STEEPNESS: Final = (0.8, 1.25)  # radians by which the flanks fall more steeply, and from how far out
FLANK_REACH: Final = 55.0
FLANK_LIFT: Final = 0.5  # how much more of it there is above the core than beside it (and less below)
DELTA_WOBBLE: Final = 0.08
FLOW_NOISE: Final = 8.0  # standard deviation of the smooth departure from the zero-pole model
FLOW_NOISE_GRID: Final = 90.0

# Ridge period.
PERIOD_MEAN: Final = 8.4
PERIOD_SPREAD: Final = 0.65
PERIOD_MIN: Final = 6.6
PERIOD_MAX: Final = 11.2
PERIOD_NOISE: Final = 0.06  # relative, within one finger
PERIOD_NOISE_GRID: Final = 60.0
PERIOD_AT_TIP: Final = 0.12  # relative growth towards the tip ...
PERIOD_AT_JOINT: Final = 0.14  # ... and towards the joint

# The fit of the period to the flow, on a grid of this step; what follows is in its cells.
PERIOD_STEP: Final = 8
SPREAD_MOST: Final = 0.25  # singular points spread without bound
FOLLOW_ROUNDS: Final = 250
FOLLOW_RATE: Final = 0.2
FOLLOW_SMOOTH: Final = 0.05
FOLLOW_PULL: Final = 0.006  # towards the unfitted map: the more, the more ridges fork where the flow fans out

# Ridge growth.
ORIENTATIONS: Final = 48  # of the filter bank
PERIODS: Final = 16
GABOR_SIGMA_ACROSS: Final = 0.42  # of the period
GABOR_SIGMA_ALONG: Final = 0.46
GROWTH_GAIN: Final = 2.2
FINISH_GAIN: Final = 1.1
# Closer seeds meet out of phase more often, fewer rounds mend less of it: fingers differ in their minutiae density.
SEED_SPACING: Final = (13.5, 20.0)
COARSE_ROUNDS: Final = 10
FINE_ROUNDS: Final = 2

# What the skin bears besides ridges; both stay with the finger.
PORE_SPACING: Final = 9.5
PORE_DEPTH: Final = 0.7
ROUGHNESS: Final = 0.16  # of the ridges' edges
ROUGHNESS_GRID: Final = 3.5
CREASES_MEAN: Final = 2.5
CREASE_DEPTH: Final = 1.6

# Contact and distortion.
CONTACT_Y: Final = 0.46  # of the master's height: the usual middle of the contact
DRAG: Final = 9.5
DRAG_MOST: Final = 2.0  # standard deviations: skin that is pulled further slips
TWIST: Final = 5.0
STICKING: Final = (0.25, 1.1)  # of the contact's half axes: where the ease from sticking to dragged begins and ends
UNEVENNESS: Final = 2.0
UNEVENNESS_GRID: Final = 75.0
PARTIAL_WIDTH: Final = (0.8, 1.0)  # what a hasty touch leaves of the contact's half axes ...
PARTIAL_HEIGHT: Final = (0.7, 0.88)
PARTIAL_SHIFT: Final = (28.0, 45.0)  # ... and how far its middle strays at most
BORDER_WOBBLE: Final = 4.0
BORDER_WOBBLE_GRID: Final = 45.0
BORDER_WIDTH: Final = 16.0

# Ink and sensor.
MOISTURE_MEAN: Final = -0.15  # ridges end more often than they fork, as a dry finger prints
MOISTURE_LOCAL: Final = 0.9  # within a print, as a share of what differs between prints
MOISTURE_GRID: Final = 70.0
SPECKLE: Final = 0.32
SPECKLE_MOST: Final = 0.62  # beyond it prints turn into blots that no sensor gives
SPECKLE_SPREAD: Final = 0.4  # of its logarithm, between impressions
SPECKLE_LOCAL: Final = 0.35  # of its logarithm, within a print
SPECKLE_GRID: Final = 55.0
GRAINS: Final = ((2.1, 0.75), (4.2, 0.65))  # size and share of the two grains that speckle is made of
BORDER_SPECKLE: Final = 1.2  # how much more the speckle tells where contact fades ...
BORDER_THINNING: Final = 1.6  # ... and how much ridges thin there
SCRATCHES_MEAN: Final = 1.5
SCRATCH_DEPTH: Final = 1.6
SHARPNESS: Final = 4.5
# Grey levels.
GROUND: Final = (216.0, 232.0)
GROUND_UNEVEN: Final = 6.0
GROUND_GRID: Final = 160.0
CONTRAST: Final = (150.0, 205.0)
CONTRAST_UNEVEN: Final = 0.08
CONTRAST_GRID: Final = 90.0
SENSOR_NOISE: Final = 2.5


@dataclass(frozen=True)
class Quality:
    """How hard a set of impressions is.

    `rotation` (standard deviation, cut at `rotation_limit`) in degrees; `shift` of the finger on the sensor and `roll`
    of the part that touches, standard deviations in pixels; half axes of the contact, ranges in pixels; `partial` the
    share of hasty touches; `distortion`, `noise` and `scratches` factors on what is usual; `moisture` the standard
    deviation of a shift of the ridge relief, whose crests are at 1; `blur` in pixels.
    """

    rotation: float = 8.0
    rotation_limit: float = 20.0
    shift: float = 16.0
    roll: float = 9.0
    contact_width: tuple[float, float] = (108.0, 145.0)
    contact_height: tuple[float, float] = (158.0, 205.0)
    partial: float = 0.15
    distortion: float = 1.0
    moisture: float = 0.27
    noise: float = 1.0
    scratches: float = 1.0
    blur: float = 0.7

    def harder(self, factor: float) -> "Quality":
        """The same spread of fingers with every disturbance `factor` times as strong."""
        return replace(
            self,
            rotation=self.rotation * factor,
            shift=self.shift * factor,
            roll=self.roll * factor,
            partial=min(1.0, self.partial * factor),
            distortion=self.distortion * factor,
            moisture=self.moisture * factor,
            noise=self.noise * factor,
            scratches=self.scratches * factor,
        )

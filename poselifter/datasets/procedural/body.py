"""Bodies of random proportions, and the limits of their joints.

Body frame: x forward, y to the person's left, z up; metres.
"""

from types import SimpleNamespace

import numpy as np

STATURE = (1.50, 1.95)

#: Fraction of stature: (value, spread between people). Limbs, hip and shoulder height: Drillis and Contini (1966), as
#: printed in Winter, Biomechanics and Motor Control of Human Movement, figure 4.1. The half widths reach to the joint
#: centres, which lie inside Winter's hip (0.191) and shoulder breadth (0.259); they, the trunk's division and the head
#: follow the Human3.6M skeleton, whose joint set this is.
RATIOS = {
    'ankle_height': (0.039, 0.08),
    'shank': (0.246, 0.035),
    'thigh': (0.245, 0.035),
    'hip': (0.065, 0.10),
    'lower_trunk': (0.133, 0.05),
    'upper_trunk': (0.155, 0.05),
    'shoulder': (0.095, 0.08),
    'upper_arm': (0.186, 0.04),
    'forearm': (0.146, 0.04),
    'neck': (0.074, 0.06),
    'head': (0.079, 0.06),
}

#: Degrees (least, most). American Academy of Orthopaedic Surgeons, Joint Motion: Method of Measuring and Recording
#: (1965), the table that Norkin and White, Measurement of Joint Motion, repeat; the knee's is Boone and Azen's (1979),
#: J Bone Joint Surg 61-A. Flexion, abduction, outward rotation, and bending or turning to the left are positive;
#: ``abd`` below zero is adduction across the body (horizontal adduction where the arm is raised); it ends at 90, the
#: arm to the side, because an arm above that is one that is flexed further.
JOINT_LIMITS = {
    'lean': (-25.0, 80.0),
    'side': (-35.0, 35.0),
    'twist': (-45.0, 45.0),
    'nod': (-45.0, 45.0),
    'tilt': (-45.0, 45.0),
    'turn': (-60.0, 60.0),
    'flex': (-60.0, 180.0),
    'abd': (-45.0, 90.0),
    'rot': (-70.0, 90.0),
    'elbow': (0.0, 150.0),
    'hip_flex': (-30.0, 120.0),
    'hip_abd': (-30.0, 45.0),
    'hip_rot': (-45.0, 45.0),
    'knee': (0.0, 142.0),
}


class Body(SimpleNamespace):
    """Segment lengths in metres by the names of :data:`RATIOS`, and ``stature``; both sides are alike."""

    @property
    def leg(self) -> float:
        """Hip to ankle with a straight knee."""
        return self.thigh + self.shank

    @property
    def trunk(self) -> float:
        """Pelvis to thorax, upright."""
        return self.lower_trunk + self.upper_trunk


def random_body(rng: np.random.Generator) -> Body:
    """Draws a stature and the segments' fractions of it."""
    stature = rng.uniform(*STATURE)
    spread = np.clip(rng.standard_normal(len(RATIOS)), -2, 2)
    lengths = {
        name: float(stature * ratio * (1 + s * z)) for (name, (ratio, s)), z in zip(RATIOS.items(), spread, strict=True)
    }
    return Body(stature=float(stature), **lengths)

"""Human motion from a kinematic model: bodies, joint limits, foot plans, inverse kinematics; needs no data."""

from .generate import MOTIONS, captions, generate_motion

"""Estimators: the models that a config names."""

from .baselines import LinearRegression, MeanPose
from .motion_estimator import MotionEstimator

__all__ = ['LinearRegression', 'MeanPose', 'MotionEstimator']

"""The published systems: how their files are recognised, named, and measured."""

from . import mixste, motionagformer, motionbert, poseformer, pstmo, videopose3d

# the folder names of the systems; Motion2vec's network is MotionAGFormer's
SYSTEMS = {
    'motionbert': motionbert.SYSTEM,
    'pstmo': pstmo.SYSTEM,
    'mixste': mixste.SYSTEM,
    'motionagformer': motionagformer.SYSTEM,
    'motion2vec': motionagformer.SYSTEM,
    'poseformer': poseformer.SYSTEM,
    'videopose3d': videopose3d.SYSTEM,
}

"""The published systems: how their files are recognised, named, and measured."""

from . import mixste, motionagformer, motionbert, poseformer, pstmo, videopose3d

# the folder names of the systems; Motion2vec's network is MotionAGFormer's
_MODULES = (motionbert, pstmo, mixste, motionagformer, poseformer, videopose3d)
SYSTEMS = {module.SYSTEM.name: module.SYSTEM for module in _MODULES}
SYSTEMS['motion2vec'] = motionagformer.SYSTEM

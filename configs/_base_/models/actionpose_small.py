# ActionPose at a size for CPUs.
_base_ = './dstformer_small.py'
model = dict(backbone=dict(type='ActionPose', align_layer=2))

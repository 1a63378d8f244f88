# ActionPose at a size for CPUs.
_base_ = './dstformer_small.py'
model = dict(
    backbone=dict(type='ActionPose', align_layer=2),
    heads=dict(pose=dict(losses=[dict(type='MPJPELoss'), dict(type='VelocityLoss', loss_weight=20.0)])),
)

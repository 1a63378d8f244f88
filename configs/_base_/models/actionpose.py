# ActionPose, 243 frames: 36.7 mm on Human3.6M with detected keypoints (paper, table 1).
_base_ = './motionbert.py'
model = dict(
    backbone=dict(type='ActionPose', align_layer=3),
    heads=dict(
        pose=dict(losses=[dict(type='MPJPELoss'), dict(type='VelocityLoss', loss_weight=20.0)]),
    ),
)

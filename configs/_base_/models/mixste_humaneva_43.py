# MixSTE for HumanEva, 43 frames: 16.1 mm fine-tuned from Human3.6M (paper).
_base_ = './mixste.py'
weights = [
    1,
    1,
    2.5,
    2.5,
    1,
    2.5,
    2.5,
    1,
    1.5,
    1.5,
    4,
    4,
    1.5,
    4,
    4,
]  # as released; they do not line up with its joints
model = dict(
    backbone=dict(num_frames=43, num_joints=15),
    heads=dict(
        pose=dict(
            losses=[
                dict(type='WeightedMPJPELoss', joint_weights=weights),
                dict(type='TemporalConsistencyLoss', joint_weights=weights, loss_weight=0.5),
                dict(type='VelocityLoss', loss_weight=2.0),
            ]
        )
    ),
)

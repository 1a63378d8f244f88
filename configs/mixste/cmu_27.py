# MixSTE, small, 27 frames, on CMU motion capture: trains in about an hour on two CPU cores.
_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/cmu.py']

model = dict(
    type='MotionEstimator',
    codec={{_base_.codec}},
    backbone=dict(
        type='MixSTE',
        num_frames=27,
        num_joints=17,
        in_channels=6,
        embed_dims=64,
        depth=4,
        num_heads=8,
        drop_path_rate=0,
    ),
    heads=dict(
        pose=dict(
            type='PoseHead',
            in_channels=64,
            norm=True,
            losses=[
                dict(type='WeightedMPJPELoss', joint_weights='mixste'),
                dict(type='TemporalConsistencyLoss', joint_weights='mixste', loss_weight=0.5),
                dict(type='VelocityLoss', loss_weight=2.0),
            ],
        )
    ),
    test_cfg=dict(window=dict(length=27, stride=9), flip_test=True),
)

epochs = 36
train_cfg = dict(by_epoch=True, max_epochs=epochs, val_interval=2)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=200),
    dict(type='CosineAnnealingLR', eta_min=1e-6, T_max=epochs, by_epoch=True, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=32)

# MixSTE, 1.1 M parameters, 81 frames, on bodies of all builds; goes on from the weights that projects/zoo/longer.py
# makes of bodies_27's `wide`, for as long as there is time.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu_bodies.py',
    '../_base_/models/mixste_small.py',
    '../_base_/schedules/small.py',
]

losses = [dict(type='WeightedMPJPELoss', joint_weights='mixste'), dict(type='VelocityLoss', loss_weight=0.7)]
model = dict(
    type='SparseFramesEstimator',
    frame_step=3,
    codec={{_base_.codec}},
    backbone=dict(num_frames=81, embed_dims=128),
    heads=dict(pose=dict(in_channels=128, losses=losses)),
    test_cfg=dict(window=dict(length=81, stride=54), batch_size=3),
)
load_from = 'work_dirs/bodies_81/start.pth'
pipeline = [dict(type='TimeWarp', length=81, speed=(0.5, 2.0)), *_base_.train_pipeline[1:]]
train_dataloader = dict(batch_size=12, dataset=dict(window=dict(length=120, stride=18), pipeline=pipeline))
# a constant rate and averaged weights: good whenever it is stopped
epochs = 400
train_cfg = dict(max_epochs=epochs, val_interval=10)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = [dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=200)]
custom_hooks = [dict(type='EMAHook', momentum=0.001)]

variants = dict(
    # the end: all frames of the windows, a rate that falls to nothing
    last=dict(
        model=dict(
            frame_step=1,
            heads=dict(
                pose=dict(
                    losses=[
                        dict(type='WeightedMPJPELoss', joint_weights='mixste'),
                        dict(type='VelocityLoss', loss_weight=2.0),
                    ]
                )
            ),
        ),
        load_from='work_dirs/bodies_81/last.pth',
        train_dataloader=dict(batch_size=4),
        train_cfg=dict(max_epochs=12, val_interval=12),
        optim_wrapper=dict(optimizer=dict(lr=4e-4)),
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=100),
            dict(type='CosineAnnealingLR', eta_min=1e-6, T_max=12, by_epoch=True, convert_to_iter_based=True),
        ],
    ),
)

# MixSTE, 1.1 M parameters, 27 frames, of 23 joints on bodies of all builds; goes on from the weights that
# projects/zoo/more_joints.py makes of bodies_27's `wide`, for as long as there is time.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu_surface.py',
    '../_base_/models/mixste_small.py',
    '../_base_/schedules/small.py',
]

losses = [
    dict(type='WeightedMPJPELoss', joint_weights='mixste', skeleton='body23'),
    dict(type='VelocityLoss', loss_weight=0.7),
]
model = dict(
    type='SparseFramesEstimator',
    frame_step=3,
    codec={{_base_.codec}},
    backbone=dict(embed_dims=128, num_joints=23),
    heads=dict(pose=dict(in_channels=128, losses=losses)),
    test_cfg=dict(window=dict(stride=18), batch_size=8),
)
load_from = 'work_dirs/surface_27/start.pth'
train_dataloader = dict(dataset=dict(window=dict(stride=18)))
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
            heads=dict(
                pose=dict(
                    losses=[
                        dict(type='WeightedMPJPELoss', joint_weights='mixste', skeleton='body23'),
                        dict(type='VelocityLoss', loss_weight=2.0),
                    ]
                )
            ),
            frame_step=1,
        ),
        load_from='work_dirs/surface_27/last.pth',
        train_dataloader=dict(batch_size=12),
        train_cfg=dict(max_epochs=12, val_interval=12),
        optim_wrapper=dict(optimizer=dict(lr=4e-4)),
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=100),
            dict(type='CosineAnnealingLR', eta_min=1e-6, T_max=12, by_epoch=True, convert_to_iter_based=True),
        ],
    ),
)

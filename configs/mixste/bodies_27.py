# MixSTE, small, 27 frames, on bodies of all builds; goes on from the weights of cmu_27, for as long as there is time.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu_bodies.py',
    '../_base_/models/mixste_small.py',
    '../_base_/schedules/small.py',
]

model = dict(
    type='SparseFramesEstimator',
    frame_step=3,
    codec={{_base_.codec}},
    heads=dict(
        pose=dict(
            losses=[
                dict(type='WeightedMPJPELoss', joint_weights='mixste'),
                dict(type='VelocityLoss', loss_weight=0.7),
            ]
        )
    ),
    # half the passes of stride 9 at the same error (benchmarks/lifting_options.py overlap); few windows fit the cache
    test_cfg=dict(window=dict(stride=18), batch_size=8),
)
load_from = 'zoo/mixste_cmu_27-5dcadce8_20261121.safetensors'
# a constant rate and averaged weights: good whenever it is stopped
epochs = 400
train_cfg = dict(max_epochs=epochs, val_interval=10)
optim_wrapper = dict(optimizer=dict(lr=7e-4))
param_scheduler = [dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=200)]
custom_hooks = [dict(type='EMAHook', momentum=0.001)]

last_losses = [dict(type='WeightedMPJPELoss', joint_weights='mixste'), dict(type='VelocityLoss', loss_weight=2.0)]
# twice the channels, from the weights that projects/zoo/grow.py makes of this config's, or of cmu_27's
wide = dict(
    model=dict(backbone=dict(embed_dims=128), heads=dict(pose=dict(in_channels=128))),
    load_from='work_dirs/bodies_27/grown.pth',
    train_dataloader=dict(dataset=dict(window=dict(stride=18))),
    optim_wrapper=dict(optimizer=dict(lr=5e-4)),
)
# the end of a training: all frames of the windows, a rate that falls to nothing
last = dict(
    model=dict(frame_step=1, heads=dict(pose=dict(losses=last_losses))),
    train_dataloader=dict(batch_size=12, dataset=dict(window=dict(stride=18))),
    train_cfg=dict(max_epochs=12, val_interval=12),
    optim_wrapper=dict(optimizer=dict(lr=4e-4)),
    param_scheduler=[
        dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=100),
        dict(type='CosineAnnealingLR', eta_min=1e-6, T_max=12, by_epoch=True, convert_to_iter_based=True),
    ],
)
variants = dict(
    wide=wide,
    last=dict(  # of `wide`
        last,
        model=dict(
            frame_step=1,
            backbone=dict(embed_dims=128),
            heads=dict(pose=dict(in_channels=128, losses=last_losses)),
        ),
        load_from='work_dirs/bodies_27_wide/last.pth',
    ),
    mixste_tiny=dict(last, load_from='work_dirs/bodies_27/last.pth'),  # of the config itself, 0.27 M parameters
    # projects/zoo/train_on_gpu.sh
    gpu=dict(
        model=wide['model'],
        load_from=wide['load_from'],
        train_dataloader=dict(
            batch_size=256, num_workers=12, persistent_workers=True, dataset=dict(window=dict(stride=2))
        ),
        optim_wrapper=dict(optimizer=dict(lr=1e-3)),
        custom_hooks=[dict(type='EMAHook', momentum=0.002)],
    ),
    hdm05=dict(  # `wide` tested on another laboratory's motion
        model=wide['model'],
        test_dataloader=dict(
            dataset=dict(type='HDM05Dataset', data_root='{{$POSELIFTER_DATA:data}}/hdm05', ann_file='hdm05.npz')
        ),
    ),
)

# MixSTE, smaller yet, 27 frames, on bodies of all builds: its row of projects/reproduce/README.md, with the steps of
# ten minutes of one core.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu_bodies.py',
    '../_base_/models/mixste_small.py',
    '../_base_/schedules/small.py',
]

losses = [dict(type='WeightedMPJPELoss', joint_weights='mixste'), dict(type='VelocityLoss', loss_weight=0.7)]
model = dict(
    backbone=dict(embed_dims=48, depth=3, num_heads=4),
    heads=dict(pose=dict(in_channels=48, losses=losses)),
    codec={{_base_.codec}},
)
train_dataloader = dict(batch_size=8, dataset=dict(window=dict(stride=26)))
# nothing is chosen on the validation subjects: the last weights count
val_cfg = val_dataloader = val_evaluator = None
default_hooks = dict(checkpoint=dict(save_best=None))
optim_wrapper = dict(optimizer=dict(lr=2e-3))

# Classes of motions made in memory: DSTformer, small, 27 frames, from scratch.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/procedural_actions.py',
    '../_base_/models/dstformer_small.py',
    '../_base_/schedules/small.py',
]

model = dict(
    codec={{_base_.codec}}, heads=dict(_delete_=True, action=dict(type='ActionHead', num_classes=25, hidden_dims=256))
)
default_hooks = dict(checkpoint=dict(save_best='top1', rule='greater'))

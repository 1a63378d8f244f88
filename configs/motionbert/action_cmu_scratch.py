# Classes of actions in CMU motion capture: DSTformer, small, 27 frames, from scratch.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu_actions.py',
    '../_base_/models/dstformer_small.py',
    '../_base_/schedules/small.py',
]

model = dict(
    codec={{_base_.codec}}, heads=dict(_delete_=True, action=dict(type='ActionHead', num_classes=6, hidden_dims=256))
)
default_hooks = dict(checkpoint=dict(save_best=None))
val_cfg = None  # nothing to validate on

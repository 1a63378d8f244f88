# One-shot recognition of actions in CMU motion capture: DSTformer, small, 27 frames, from scratch.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu_oneshot.py',
    '../_base_/models/dstformer_small.py',
    '../_base_/schedules/small.py',
]

model = dict(
    codec={{_base_.codec}}, heads=dict(_delete_=True, embedding=dict(type='ActionEmbeddingHead', hidden_dims=128))
)
default_hooks = dict(checkpoint=dict(save_best=None))
val_cfg = None  # nothing to validate on

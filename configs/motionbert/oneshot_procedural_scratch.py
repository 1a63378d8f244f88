# One-shot recognition of motions made in memory: DSTformer, small, 27 frames, from scratch.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/procedural_oneshot.py',
    '../_base_/models/dstformer_small.py',
    '../_base_/schedules/small.py',
]

model = dict(
    codec={{_base_.codec}}, heads=dict(_delete_=True, embedding=dict(type='ActionEmbeddingHead', hidden_dims=128))
)
default_hooks = dict(checkpoint=dict(save_best='few_shot_accuracy', rule='greater'))

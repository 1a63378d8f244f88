# P-STMO, small, 27 frames, on CMU motion capture, from scratch.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu.py',
    '../_base_/models/pstmo_small.py',
    '../_base_/schedules/small.py',
]

model = dict(codec={{_base_.codec}})
train_dataloader = dict(dataset=dict(window=dict(_delete_=True, length=27, stride=13, outputs=1)))

# P-STMO at a size for CPUs.
_base_ = './pstmo_27.py'
model = dict(
    backbone=dict(in_channels=6, embed_dims=128, depth=3, feedforward_dims=256),
    neck=dict(feedforward_dims=256),
    test_cfg=dict(window=dict(length=27, stride=1), flip_test=True),
)

# MotionBERT-Lite, 243 frames: 16.0 M parameters.
_base_ = './motionbert.py'
model = dict(backbone=dict(embed_dims=256, mlp_ratio=4.0))

# P-STMO, 351 frames: 5.5 M parameters.
_base_ = './pstmo.py'
model = dict(backbone=dict(num_frames=351))

# P-STMO-S, 351 frames: 5.0 M parameters.
_base_ = './pstmo_s.py'
model = dict(backbone=dict(num_frames=351))

# P-STMO-S, 9 frames: 4.7 M parameters.
_base_ = './pstmo_s.py'
model = dict(backbone=dict(num_frames=9))

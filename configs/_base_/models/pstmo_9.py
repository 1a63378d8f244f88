# P-STMO, 9 frames: 5.2 M parameters.
_base_ = './pstmo.py'
model = dict(backbone=dict(num_frames=9))

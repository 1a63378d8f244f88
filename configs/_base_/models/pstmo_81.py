# P-STMO, 81 frames: 6.1 M parameters.
_base_ = './pstmo.py'
model = dict(backbone=dict(num_frames=81))

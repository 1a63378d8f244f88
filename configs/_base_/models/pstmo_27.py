# P-STMO, 27 frames: 5.2 M parameters.
_base_ = './pstmo.py'
model = dict(backbone=dict(num_frames=27))

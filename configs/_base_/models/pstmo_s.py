# P-STMO-S, 243 frames: 6.5 M parameters; 43.0 mm on Human3.6M with CPN keypoints (paper, table 1).
_base_ = './pstmo.py'
model = dict(backbone=dict(depth=3))

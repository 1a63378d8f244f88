# P-STMO-S, 27 frames: 4.7 M parameters; 48.2 mm on Human3.6M with CPN keypoints (paper, table 5).
_base_ = './pstmo_s.py'
model = dict(backbone=dict(num_frames=27))

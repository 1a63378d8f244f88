# P-STMO-S, 81 frames: 5.5 M parameters; 44.1 mm on Human3.6M with CPN keypoints and every 3rd frame (paper, table 1).
_base_ = './pstmo_s.py'
model = dict(backbone=dict(num_frames=81))

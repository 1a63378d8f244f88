# MixSTE, 81 frames: 42.4 mm on Human3.6M with CPN keypoints (paper, table 1).
_base_ = './mixste.py'
model = dict(backbone=dict(num_frames=81))

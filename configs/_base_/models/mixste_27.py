# MixSTE, 27 frames: 45.1 mm on Human3.6M with CPN keypoints (paper, study of sizes); 54.9 mm on MPI-INF-3DHP.
_base_ = './mixste.py'
model = dict(backbone=dict(num_frames=27))

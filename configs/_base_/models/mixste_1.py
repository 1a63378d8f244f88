# MixSTE, 1 frame: 57.9 mm on MPI-INF-3DHP.
_base_ = './mixste.py'
model = dict(backbone=dict(num_frames=1))

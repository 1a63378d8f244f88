# PoseFormer, 9 frames: 9.6 M parameters; 77.1 mm on MPI-INF-3DHP (paper).
_base_ = './poseformer.py'
model = dict(backbone=dict(num_frames=9))

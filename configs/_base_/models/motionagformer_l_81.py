# MotionAGFormer-L, 81 frames: 19.0 M parameters; 16.2 mm on MPI-INF-3DHP (paper).
_base_ = './motionagformer_l.py'
model = dict(backbone=dict(num_frames=81))

# MotionAGFormer-B, 81 frames: 11.7 M parameters; 18.2 mm on MPI-INF-3DHP (paper).
_base_ = './motionagformer_b.py'
model = dict(backbone=dict(num_frames=81))

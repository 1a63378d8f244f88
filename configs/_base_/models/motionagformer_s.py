# MotionAGFormer-S, 81 frames: 4.8 M parameters; 42.5 mm on Human3.6M (paper).
_base_ = './motionagformer_b.py'
model = dict(backbone=dict(num_frames=81, embed_dims=64, depth=26))

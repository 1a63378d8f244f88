# MotionAGFormer-XS, 27 frames: 2.2 M parameters; 45.1 mm on Human3.6M (paper).
_base_ = './motionagformer_b.py'
model = dict(backbone=dict(num_frames=27, embed_dims=64, depth=12))

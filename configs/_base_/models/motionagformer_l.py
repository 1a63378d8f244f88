# MotionAGFormer-L, 243 frames: 19.0 M parameters; 38.4 mm on Human3.6M (paper).
_base_ = './motionagformer_b.py'
model = dict(backbone=dict(depth=26))

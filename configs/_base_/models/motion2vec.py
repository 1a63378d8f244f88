# Motion2vec, base, 243 frames: MotionAGFormer-B as a network, 11.7 M parameters; 38.4 mm on Human3.6M (paper).
_base_ = './motionagformer_b.py'
model = dict(backbone=dict(depth=16))

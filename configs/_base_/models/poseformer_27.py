# PoseFormer, 27 frames: 9.6 M parameters; 47.0 mm on Human3.6M with CPN keypoints (authors).
_base_ = './poseformer.py'
model = dict(backbone=dict(num_frames=27))

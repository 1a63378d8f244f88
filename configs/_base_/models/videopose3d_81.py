# VideoPose3D, 81 frames: 12.8 M parameters; 47.7 mm on Human3.6M with CPN keypoints (paper).
_base_ = './videopose3d.py'
model = dict(backbone=dict(filter_widths=[3, 3, 3, 3]))

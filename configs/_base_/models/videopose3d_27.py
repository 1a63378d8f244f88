# VideoPose3D, 27 frames: 8.6 M parameters; 48.8 mm on Human3.6M with CPN keypoints (paper).
_base_ = './videopose3d.py'
model = dict(backbone=dict(filter_widths=[3, 3, 3]))

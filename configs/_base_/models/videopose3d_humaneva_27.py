# VideoPose3D for HumanEva, 27 frames: 8.5 M parameters; 33.0 mm on three actions (paper).
_base_ = './videopose3d_27.py'
model = dict(backbone=dict(num_joints=15), heads=dict(pose=dict(num_joints=15)))

# As h36m_243_scratch.py with PoseFormer as backbone: 44.8 mm (paper, table 6).
_base_ = './h36m_243_scratch.py'

model = dict(
    backbone=dict(_delete_=True, type='PoseFormer', num_frames=243, in_channels=3),
    heads=dict(pose=dict(norm='layer', num_joints=17)),
)

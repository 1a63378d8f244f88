# As h36m_243_scratch.py with the temporal convolutional network as backbone: 50.1 mm (paper, table 6).
_base_ = './h36m_243_scratch.py'

model = dict(
    backbone=dict(
        _delete_=True, type='TemporalConvNet', num_frames=243, in_channels=3, filter_widths=[3, 3, 3, 3, 3], pad=True
    ),
    heads=dict(pose=dict(num_joints=17)),
)

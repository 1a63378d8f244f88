# As pretrain_amass_h36m_243.py, with the temporal convolutional network as backbone: 47.9 mm then (paper, table 6).
_base_ = './pretrain_amass_h36m_243.py'

work_dir = 'work_dirs/motionbert/pretrain_tcn_amass_h36m_243'
model = dict(
    backbone=dict(
        _delete_=True, type='TemporalConvNet', num_frames=243, in_channels=3, filter_widths=[3, 3, 3, 3, 3], pad=True
    ),
    heads=dict(pose=dict(num_joints=17)),
)

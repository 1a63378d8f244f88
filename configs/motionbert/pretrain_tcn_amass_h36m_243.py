# As pretrain_amass_h36m_243.py, with the temporal convolutional network as backbone: 47.9 mm then (paper, table 6).
_base_ = './pretrain_amass_h36m_243.py'

work_dir = 'work_dirs/motionbert/pretrain_tcn_amass_h36m_243'
variants = None
model = dict(
    backbone=dict(_delete_=True, **_base_.other_backbones.tcn),
    heads=dict(pose=dict(num_joints=17)),
)

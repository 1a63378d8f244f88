# As pretrain_amass_h36m_243.py, with PoseFormer as backbone: 41.5 mm then (paper, table 6).
_base_ = './pretrain_amass_h36m_243.py'

work_dir = 'work_dirs/motionbert/pretrain_poseformer_amass_h36m_243'
variants = None
model = dict(
    backbone=dict(_delete_=True, **_base_.other_backbones.poseformer),
    heads=dict(pose=dict(norm='layer', num_joints=17)),
)

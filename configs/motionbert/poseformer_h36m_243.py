# As h36m_243.py with PoseFormer as backbone: 41.5 mm, from scratch 44.8 mm (paper, table 6).
_base_ = './h36m_243.py'

variants = dict(_delete_=True, scratch=_base_.variants.scratch, frozen=_base_.variants.frozen)

load_from = 'work_dirs/motionbert/pretrain_poseformer_amass_h36m_243/epoch_90.pth'
pretrained_by = 'configs/motionbert/pretrain_poseformer_amass_h36m_243.py'

model = dict(
    backbone=dict(_delete_=True, **_base_.other_backbones.poseformer),
    heads=dict(pose=dict(norm='layer', num_joints=17)),
)

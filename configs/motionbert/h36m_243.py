# MotionBERT on Human3.6M from the pretrained weights: 37.5 mm MPJPE, 1.7 mm MPJVE (paper, table 1), 32.2 mm P-MPJPE
# (MMPose's run). Of the authors: load_from=MB_release/latest_epoch.bin.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/h36m_motionbert.py',
    '../_base_/models/motionbert.py',
    '../_base_/protocols/motionbert.py',
]

load_from = 'work_dirs/motionbert/pretrain_amass_h36m_243/epoch_90.pth'
pretrained_by = 'configs/motionbert/pretrain_amass_h36m_243.py'
variants = dict(
    # 39.2 mm MPJPE, 1.8 mm MPJVE (paper, table 1), 33.4 mm P-MPJPE (MMPose's run)
    scratch=dict(load_from=None, pretrained_by=None, train_cfg=dict(max_epochs=120)),
    # 40.3 mm (paper, table 4); with random weights 404.4 mm
    frozen=dict(frozen_modules=['backbone']),
)

model = dict(codec={{_base_.codec}}, test_cfg={{_base_.model_test_cfg}})
train_cfg = dict(max_epochs=60)

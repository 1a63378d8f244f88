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
# 39.2 mm MPJPE, 1.8 mm MPJVE (paper, table 1), 33.4 mm P-MPJPE (MMPose's run); the paper trains half as long
scratch = dict(load_from=None, pretrained_by=None, train_cfg=dict(max_epochs=120))
losses = [dict(type='MPJPELoss'), dict(type='VelocityLoss', loss_weight=20.0)]
paper = dict(
    model=dict(heads=dict(pose=dict(losses=losses))),
    optim_wrapper=dict(optimizer=dict(_delete_=True, type='Adam', lr=2e-4)),
)
variants = dict(
    scratch=scratch,
    paper=dict(paper, train_cfg=dict(max_epochs=30)),  # losses, optimiser and epochs as printed
    paper_scratch=dict(paper, load_from=None, pretrained_by=None, train_cfg=dict(max_epochs=60)),
    frozen=dict(frozen_modules=['backbone']),  # 40.3 mm (paper, table 4)
    table4_random=dict(load_from=None, pretrained_by=None, frozen_modules=['backbone']),
    table7_a=dict(**scratch, model=dict(backbone=dict(streams=('ST',)))),
    table7_b=dict(**scratch, model=dict(backbone=dict(streams=('TS',)))),
    table7_c=dict(**scratch, model=dict(backbone=dict(streams=('S', 'T')))),
    table7_d=dict(**scratch, model=dict(backbone=dict(streams=('sT',)))),
    table7_e=dict(**scratch, model=dict(backbone=dict(fusion=dict(type='AverageFusion')))),
    table8_depth4=dict(**scratch, model=dict(backbone=dict(depth=4))),
    table8_depth6=dict(**scratch, model=dict(backbone=dict(depth=6))),
    table8_width256=dict(**scratch, model=dict(backbone=dict(embed_dims=256))),
)

model = dict(codec={{_base_.codec}}, test_cfg={{_base_.model_test_cfg}})
train_cfg = dict(max_epochs=60)
default_hooks = dict(checkpoint=dict(save_best='motionbert/MPJPE'))  # as released

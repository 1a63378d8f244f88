# As action_ntu60_xsub.py, cross-view: 97.2 %, from scratch 94.1 % (paper).
_base_ = './action_ntu60_xsub.py'

tcn = dict(model=dict(backbone=dict(_delete_=True, **_base_.other_backbones.tcn)))
poseformer = dict(model=dict(backbone=dict(_delete_=True, **_base_.other_backbones.poseformer)))
variants = dict(
    table4_random=dict(load_from=None, pretrained_by=None, frozen_modules=['backbone']),
    table6_tcn_scratch=dict(**_base_.variants.scratch, **tcn),
    table6_poseformer_scratch=dict(**_base_.variants.scratch, **poseformer),
    table6_tcn_finetune=dict(
        load_from='work_dirs/motionbert/pretrain_tcn_amass_h36m_243/epoch_90.pth',
        pretrained_by='configs/motionbert/pretrain_tcn_amass_h36m_243.py',
        **tcn,
    ),
    table6_poseformer_finetune=dict(
        load_from='work_dirs/motionbert/pretrain_poseformer_amass_h36m_243/epoch_90.pth',
        pretrained_by='configs/motionbert/pretrain_poseformer_amass_h36m_243.py',
        **poseformer,
    ),
)

train_dataloader = dict(dataset=dict(split='xview_train'))
val_dataloader = dict(dataset=dict(split='xview_val'))
test_dataloader = val_dataloader

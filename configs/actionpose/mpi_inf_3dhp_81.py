# ActionPose on MPI-INF-3DHP, true 2D, 81 frames, from the pretrained weights: 15.5 mm MPJPE, 98.9 % PCK, 87.0 % AUC
# (paper, table 2). Trained and tested like MotionAGFormer. It has places for 243 frames, as what it starts from; places
# of joints are taken over by name.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/mpi_inf_3dhp_motionagformer.py',
    '../_base_/models/motionbert.py',
]

load_from = 'work_dirs/actionpose/pretrain_babel_243/epoch_300.pth'
pretrained_by = 'configs/actionpose/pretrain_babel_243.py'
variants = dict(
    scratch=dict(load_from=None, pretrained_by=None),
    table3_baseline=dict(  # MotionBERT, fine-tuned in the same way: 16.7 mm (paper, table 3)
        load_from='work_dirs/motionbert/pretrain_amass_h36m_243/epoch_90.pth',
        pretrained_by='configs/motionbert/pretrain_amass_h36m_243.py',
        model=dict(backbone=dict(use_class_token=False)),
    ),
)

model = dict(
    **_base_.sizes.actionpose,
    codec={{_base_.codec}},
    test_cfg=dict(window=dict(length=81, stride=1, outputs=1), flip_test=True),
)
train_cfg = dict(by_epoch=True, max_epochs=90, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=5e-4, amsgrad=True))
param_scheduler = dict(type='ExponentialLR', gamma=0.99, by_epoch=True)
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(save_best='mpi_inf_3dhp/MPJPE'))

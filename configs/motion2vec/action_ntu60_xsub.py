# Motion2vec, base, on NTU RGB+D 60, cross-subject, from the pretrained weights: top-1 88.1 %, from scratch
# 87.0 % (paper). Large 89.5 %, from scratch 88.0 % (paper).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/ntu60_xsub.py',
    '../_base_/models/motionagformer_b.py',
    '../_base_/schedules/motionbert_action.py',
]

load_from = 'work_dirs/motion2vec/pretrain_h36m_243/epoch_60.pth'
pretrained_by = 'configs/motion2vec/pretrain_h36m_243.py'
large = dict(model=dict(backbone=dict(embed_dims=256)))
variants = dict(
    scratch=dict(load_from=None, pretrained_by=None),
    table4_large=dict(
        **large,
        load_from='work_dirs/motion2vec/pretrain_h36m_large_243/epoch_60.pth',
        pretrained_by='configs/motion2vec/pretrain_h36m_large_243.py',
    ),
    table4_large_scratch=dict(**large, load_from=None, pretrained_by=None),
)

model = dict(**_base_.sizes.motion2vec_action, codec={{_base_.codec}})
train_dataloader = dict(batch_size=6, dataset=dict(official_confidence_order=True))
val_dataloader = dict(dataset=dict(official_confidence_order=True))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=60)
optim_wrapper = dict(optimizer=dict(lr=1e-4), paramwise_cfg=dict(_delete_=True))
default_hooks = dict(checkpoint=dict(save_best='top1', rule='greater'))
auto_scale_lr = dict(base_batch_size=6)

# Motion2vec, base, on Human3.6M, 243 frames, from the pretrained weights: 38.4 mm MPJPE, 32.1 mm P-MPJPE (paper); from
# scratch 38.6 mm and 32.6 mm (paper, table VIII).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/h36m_motionbert.py',
    '../_base_/models/motionagformer_b.py',
    '../_base_/protocols/motionagformer.py',
]

load_from = 'work_dirs/motion2vec/pretrain_h36m_243/epoch_60.pth'
pretrained_by = 'configs/motion2vec/pretrain_h36m_243.py'
variants = dict(scratch=dict(load_from=None, pretrained_by=None))

model = dict(**_base_.sizes.motion2vec, codec={{_base_.codec}}, test_cfg={{_base_.model_test_cfg}})
train_dataloader = dict(batch_size=8)
auto_scale_lr = dict(base_batch_size=8)
default_hooks = dict(checkpoint=dict(save_best='motionagformer/MPJPE'))

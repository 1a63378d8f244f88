# As h36m_243.py, large (46.5 M parameters): 38.0 mm MPJPE, 31.9 mm P-MPJPE (paper); with true 2D 19.3 mm.
_base_ = './h36m_243.py'

load_from = 'work_dirs/motion2vec/pretrain_h36m_large_243/epoch_60.pth'
pretrained_by = 'configs/motion2vec/pretrain_h36m_large_243.py'
variants = dict(_delete_=True, scratch=_base_.variants.scratch, table1_gt=_base_.variants.table1_gt)

model = {{_base_.sizes.motion2vec_large}}
train_dataloader = dict(batch_size=16)
auto_scale_lr = dict(base_batch_size=16)

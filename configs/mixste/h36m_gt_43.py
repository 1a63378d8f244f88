# As h36m_gt_243.py, 43 frames: what the variant finetune of humaneva_43.py starts from.
_base_ = './h36m_gt_243.py'

work_dir = 'work_dirs/mixste/h36m_gt_43'
variants = dict(_delete_=True)
model = dict(backbone=dict(num_frames=43))
train_dataloader = dict(batch_size=23, dataset=dict(window=dict(length=43)))
auto_scale_lr = dict(base_batch_size=23)

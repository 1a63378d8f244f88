# As cmu_27.py, with labels for two subjects only (a dancer, and one who walks and runs), from what
# pretrain_cmu_few_27.py leaves.
_base_ = './cmu_27.py'

load_from = 'work_dirs/motionbert/pretrain_cmu_few_27/epoch_20.pth'
pretrained_by = 'configs/motionbert/pretrain_cmu_few_27.py'

train_dataloader = dict(dataset=dict(filter_cfg=dict(include=dict(subject=['05', '35']))))

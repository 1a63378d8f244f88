# As cmu_few_27_scratch.py, from what pretrain_cmu_few_27.py leaves.
_base_ = './cmu_few_27_scratch.py'

load_from = 'work_dirs/actionpose/pretrain_cmu_few_27/epoch_20.pth'
pretrained_by = 'configs/actionpose/pretrain_cmu_few_27.py'

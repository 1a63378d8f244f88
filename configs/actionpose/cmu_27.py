# As cmu_27_scratch.py, from what pretrain_cmu_27.py leaves.
_base_ = './cmu_27_scratch.py'

load_from = 'work_dirs/actionpose/pretrain_cmu_27/epoch_18.pth'
pretrained_by = 'configs/actionpose/pretrain_cmu_27.py'

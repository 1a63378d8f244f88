# As multitask_procedural_scratch.py, from what pretrain_cmu_27.py leaves.
_base_ = './multitask_procedural_scratch.py'

load_from = 'work_dirs/motionbert/pretrain_cmu_27/epoch_18.pth'
pretrained_by = 'configs/motionbert/pretrain_cmu_27.py'

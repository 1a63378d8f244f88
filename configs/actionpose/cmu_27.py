# ActionPose's encoder, small, 27 frames, on CMU motion capture, from what pretrain_cmu_27.py leaves.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu.py',
    '../_base_/models/dstformer_small.py',
    '../_base_/schedules/small.py',
]

load_from = 'work_dirs/actionpose/pretrain_cmu_27/epoch_18.pth'
pretrained_by = 'configs/actionpose/pretrain_cmu_27.py'
variants = dict(scratch=dict(load_from=None, pretrained_by=None))

model = dict(**_base_.sizes.actionpose_small, codec={{_base_.codec}})

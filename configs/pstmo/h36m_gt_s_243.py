# As h36m_s_243.py, with true 2D joints: 29.3 mm (paper, table 1), from scratch 30.3 mm (paper, table 8).
_base_ = './h36m_s_243.py'

load_from = 'work_dirs/pstmo/pretrain_h36m_gt_s_243/epoch_80.pth'
pretrained_by = 'configs/pstmo/pretrain_h36m_gt_s_243.py'

keypoint_file = 'data_2d_h36m_gt.npz'
train_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
val_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
test_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
optim_wrapper = dict(optimizer=dict(lr=1e-3))

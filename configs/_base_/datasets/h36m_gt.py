# Human3.6M with the true 2D joints.
_base_ = './h36m.py'

keypoint_file = 'data_2d_h36m_gt.npz'
train_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
val_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
test_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))

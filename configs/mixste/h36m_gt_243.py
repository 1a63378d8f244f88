# MixSTE, 243 frames, Human3.6M with true 2D joints: 21.6 mm (paper, table 5).
_base_ = './h36m_243.py'

keypoint_file = 'data_2d_h36m_gt.npz'
train_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
val_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
test_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))

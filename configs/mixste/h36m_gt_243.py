# MixSTE, 243 frames, Human3.6M with true 2D joints: 21.6 mm (paper, table 2).
_base_ = './h36m_243.py'

keypoint_file = 'data_2d_h36m_gt.npz'
train_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
val_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
test_dataloader = dict(dataset=dict(keypoint_file=keypoint_file))
variants = dict(
    _delete_=True,
    # 25.9 mm
    table2_gt_81=dict(  # 25.9 mm
        model={{_base_.sizes.mixste_81}},
        train_dataloader=dict(batch_size=12, dataset=dict(window=dict(length=81))),
        auto_scale_lr=dict(base_batch_size=12),
    ),
)

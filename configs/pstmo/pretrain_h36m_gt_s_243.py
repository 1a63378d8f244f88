# P-STMO-S's stage I with true 2D joints: 80 % of the frames removed and 7 joints of each replaced.
_base_ = './pretrain_h36m_s_243.py'

work_dir = 'work_dirs/pstmo/pretrain_h36m_gt_s_243'
train_dataloader = dict(
    dataset=dict(
        keypoint_file='data_2d_h36m_gt.npz',
        pipeline=[
            dict(type='Encode', codec={{_base_.codec}}),
            dict(type='FlipPose'),
            dict(type='FrameRemoval', rate=0.8),
            dict(type='JointReplacement', count=7),
            dict(type='PackPose', keys=['mask']),
        ],
    )
)
variants = dict(_delete_=True, table1_gt_full=dict(model=dict(backbone=dict(depth=4), head=dict(depth=3))))

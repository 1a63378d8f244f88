# P-STMO-S's stage I: 80 % of the frames removed and 2 joints of each replaced.
_base_ = './pretrain_h36m_243.py'

work_dir = 'work_dirs/pstmo/pretrain_h36m_s_243'
model = dict(backbone=dict(depth=3), head=dict(depth=2))
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='Encode', codec={{_base_.codec}}),
            dict(type='FlipPose'),
            dict(type='FrameRemoval', rate=0.8),
            dict(type='JointReplacement', count=2),
            dict(type='PackPose', keys=['mask']),
        ]
    )
)

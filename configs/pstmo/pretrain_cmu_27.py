# P-STMO's stage I, small, on CMU motion capture: frames removed and joints replaced in 2D, the clip reconstructed.
_base_ = './cmu_27.py'

work_dir = 'work_dirs/pstmo/pretrain_cmu_27'
load_from = pretrained_by = variants = None
model = dict(
    _delete_=True,
    type='MaskedPosePretrainer',
    backbone={{_base_.model.backbone}},
    head=dict(type='MaskedPoseHead', depth=2, feedforward_dims=256),
    codec={{_base_.codec}},
)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='VirtualCamera'),
            dict(type='DetectedJoints'),
            dict(type='KeypointNoise'),
            dict(type='Encode', codec={{_base_.codec}}),
            dict(type='FlipPose'),
            dict(type='FrameRemoval', rate=0.8),
            dict(type='JointReplacement', count=2),
            dict(type='PackPose', keys=['mask']),
        ]
    )
)
default_hooks = dict(checkpoint=dict(save_best=None))
val_cfg = val_dataloader = val_evaluator = None
test_cfg = test_dataloader = test_evaluator = None

# Motion2vec's contextual pretraining, small, on CMU motion capture in 2D: as the paper describes it, but the teacher
# follows ten times as fast, since the run has fewer steps.
_base_ = './cmu_27.py'

work_dir = 'work_dirs/motion2vec/pretrain_cmu_27'
load_from = pretrained_by = variants = None
model = dict(
    _delete_=True,
    type='ContextPretrainer',
    backbone={{_base_.model.backbone}},
    top_layers=2,
    decay=(0.99, 0.999),
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
            dict(type='FrameRemoval', rate=0.7, copies=3),
            dict(type='PackPose', keys=['masks']),
        ]
    )
)
default_hooks = dict(checkpoint=dict(save_best=None))
val_cfg = val_dataloader = val_evaluator = None
test_cfg = test_dataloader = test_evaluator = None

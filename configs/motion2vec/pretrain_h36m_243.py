# Motion2vec's contextual pretraining as the paper describes it: three masks of 70 % of the frames, the mean of the last
# 8 layers of a moving teacher, detected 2D of the training subjects.
_base_ = './h36m_243.py'

work_dir = 'work_dirs/motion2vec/pretrain_h36m_243'
load_from = pretrained_by = variants = None
model = dict(
    _delete_=True,
    type='ContextPretrainer',
    backbone={{_base_.model.backbone}},
    codec={{_base_.codec}},
)
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        pipeline=[
            dict(type='Encode', codec={{_base_.codec}}),
            dict(type='FlipPose'),
            dict(type='FrameRemoval', rate=0.7, copies=3),
            dict(type='PackPose', keys=['masks']),
        ],
    ),
)
auto_scale_lr = dict(base_batch_size=4)
default_hooks = dict(checkpoint=dict(save_best=None))
val_cfg = val_dataloader = val_evaluator = None
test_cfg = test_dataloader = test_evaluator = None

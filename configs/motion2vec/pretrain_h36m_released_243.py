# Motion2vec's pretraining as its program does it: spans of joints masked, the mean of the last 6 layers of a teacher
# that never moves, and the test subjects' 2D as well. Then: h36m_243.py with load_from=... what it leaves.
_base_ = './h36m_243.py'

work_dir = 'work_dirs/motion2vec/pretrain_h36m_released_243'
load_from = pretrained_by = variants = None
model = dict(
    _delete_=True,
    type='ContextPretrainer',
    backbone={{_base_.model.backbone}},
    top_layers=6,
    norm_targets='none',
    decay=(1, 1),
    codec={{_base_.codec}},
)
encode = dict(type='Encode', codec={{_base_.codec}})
mask = [dict(type='SpanMask', prob=0.6, length=5, copies=3), dict(type='PackPose', keys=['masks'])]
clips = dict(type='Human36mMotionBERTDataset', data_root={{_base_.data_root}}, min_frames=243)
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(
                **clips,
                split='train',
                window=dict(length=243, stride=81, tail='drop'),
                pipeline=[encode, dict(type='FlipPose'), *mask],
            ),
            dict(**clips, split='test', window=dict(length=243, tail='drop'), pipeline=[encode, *mask]),
        ],
    ),
)
auto_scale_lr = dict(base_batch_size=4)
default_hooks = dict(checkpoint=dict(save_best=None))
val_cfg = val_dataloader = val_evaluator = None
test_cfg = test_dataloader = test_evaluator = None

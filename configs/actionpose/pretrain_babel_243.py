# ActionPose's pretraining: masked and noisy 2D of BABEL's motions to 3D, and clips to their labels. It starts from the
# weights of MotionBERT; of the authors: load_from=MB_release/latest_epoch.bin. The paper has 30 frames a second:
# tools/dataset_converters/amass.py archives/ data/amass_30 --fps 30 ...
_base_ = './h36m_243.py'

work_dir = 'work_dirs/actionpose/pretrain_babel_243'
load_from = 'work_dirs/motionbert/pretrain_amass_h36m_243/epoch_90.pth'
pretrained_by = 'configs/motionbert/pretrain_amass_h36m_243.py'
data = '{{$POSELIFTER_DATA:data}}'
codec = dict(fps=30)
encode = dict(type='Encode', codec={**_base_.codec, 'fps': 30})
model = dict(
    type='TextMotionPretrainer',
    text_encoder=dict(type='BertTextEncoder', pretrained='google-bert/bert-base-uncased', num_layers=3),
    text_head=dict(type='TextMotionHead'),
    codec=codec,
    test_cfg=dict(window=dict(tail='shift')),  # most clips of BABEL are shorter than a window
)


def camera(*facing):  # from 1 km away a projection is orthographic, as in MotionBERT's pretraining
    lens = dict(height=(1, 1), distance=(1000, 1000), fov=(0.3845, 0.3845), roll=0, image_sizes=[(1000, 1000)])
    return dict(type='VirtualCamera', facing=facing, **lens)


def corrupted(*steps):
    film = [dict(type='RandomWindow', length=243), camera(0, 90), encode, dict(type='FlipPose')]
    return [*film, dict(type='EdgePad', length=243), *steps, dict(type='PackPose')]


noise = dict(type='FittedNoise')
babel = dict(type='BABELDataset', data_root=data + '/amass_30')
train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        _delete_=True,
        **babel,
        ann_file=data + '/babel_v1.0_release/train.json',
        window='whole',
        pipeline=corrupted(noise, dict(type='MaskMixture')),
    ),
)
# the groups of figure 5, by BABEL's names: throw, pick, jump; run, kick, wave; bend, raise, walk
verbs = ['throw', 'take/pick something up', 'jump', 'run', 'kick', 'wave', 'bend', 'raising body part', 'walk']
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        **babel,
        ann_file=data + '/babel_v1.0_release/val.json',
        test_mode=True,
        classes=verbs,
        filter_cfg=dict(include=dict(action_name=verbs)),
        pipeline=[camera(0), encode, *_base_.test_pipeline[1:]],
    ),
)
test_evaluator = dict(_delete_=True, type='PoseMetric')
default_hooks = dict(checkpoint=dict(save_best='motionbert/MPJPE'))
train_cfg = dict(max_epochs=300)
optim_wrapper = dict(optimizer=dict(lr=5e-4), paramwise_cfg=dict(custom_keys=dict(text_encoder=dict(lr_mult=0.1))))
param_scheduler = [
    dict(type='ExponentialLR', gamma=0.99, by_epoch=True),
    dict(type='GroupWarmupLR', groups='text_encoder', start_factor=0.002, by_epoch=False, end=500),
]
auto_scale_lr = dict(base_batch_size=16)

# of table 3 the shares of the masks are not stated where two of the three kinds act
mmm = corrupted(dict(type='MaskMixture', probs=(0, 0.5, 0.5)))
aligned = corrupted(noise, dict(type='MaskMixture', probs=(1, 0, 0)))
variants = dict(
    _delete_=True,
    table3_mmm=dict(model=dict(text_head=dict(loss_weight=0)), train_dataloader=dict(dataset=dict(pipeline=mmm))),
    table3_map=dict(train_dataloader=dict(dataset=dict(pipeline=aligned))),
    # what the paper leaves open, the other way
    stretched=dict(train_dataloader=dict(dataset=dict(min_frames=243))),  # short clips in slow motion, not padded
    balanced=dict(train_dataloader=dict(sampler=dict(type='BalancedSampler', key='action_name', power=0.5))),
    processed=dict(train_dataloader=dict(dataset=dict(text='processed'))),  # BABEL's cleaned labels
    frequent=dict(model=dict(negatives='frequency')),  # other texts as often as clips have them
    symmetric=dict(model=dict(text_head=dict(symmetric=True))),  # texts to clips too
)

# ActionPose's pretraining: masked and noisy 2D of BABEL's motions to 3D, and clips to their labels. It starts from the
# weights of MotionBERT; of the authors: load_from=MB_release/latest_epoch.bin. The paper has 30 frames a second:
# tools/dataset_converters/amass.py archives/ data/amass_30 --fps 30 ...
_base_ = './h36m_243.py'

work_dir = 'work_dirs/actionpose/pretrain_babel_243'
variants = None
load_from = 'work_dirs/motionbert/pretrain_amass_h36m_243/epoch_90.pth'
pretrained_by = 'configs/motionbert/pretrain_amass_h36m_243.py'
data = '{{$POSELIFTER_DATA:data}}'
model = dict(
    type='TextMotionPretrainer',
    text_encoder=dict(type='BertTextEncoder', pretrained='google-bert/bert-base-uncased', num_layers=3),
    text_head=dict(type='TextMotionHead'),
)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        _delete_=True,
        type='BABELDataset',
        data_root=data + '/amass_30',
        ann_file=data + '/babel_v1.0_release/train.json',
        window='whole',
        pipeline=[
            dict(type='RandomWindow', length=243),
            # from 1 km away a projection is orthographic, as in MotionBERT's pretraining; from the front or the side
            dict(
                type='VirtualCamera',
                facing=(0, 90),
                height=(1, 1),
                distance=(1000, 1000),
                fov=(0.3845, 0.3845),
                roll=0,
                image_sizes=[(1000, 1000)],
            ),
            dict(type='Encode', codec={{_base_.codec}}),
            dict(type='FlipPose'),
            dict(type='EdgePad', length=243),
            dict(type='FittedNoise'),
            dict(type='MaskMixture'),
            dict(type='PackPose'),
        ],
    ),
)
train_cfg = dict(max_epochs=300)
optim_wrapper = dict(optimizer=dict(lr=5e-4), paramwise_cfg=dict(custom_keys=dict(text_encoder=dict(lr_mult=0.1))))
param_scheduler = [
    dict(type='ExponentialLR', gamma=0.99, by_epoch=True),
    dict(type='GroupWarmupLR', groups='text_encoder', start_factor=0.002, by_epoch=False, end=500),
]
auto_scale_lr = dict(base_batch_size=16)

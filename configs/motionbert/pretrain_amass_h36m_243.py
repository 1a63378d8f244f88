# MotionBERT's pretraining: AMASS and true poses of Human3.6M in 3D, and from epoch 30 on PoseTrack and InstaVariety in
# 2D. What it leaves reaches 37.5 mm on Human3.6M (h36m_243.py).
_base_ = './h36m_243.py'

work_dir = 'work_dirs/motionbert/pretrain_amass_h36m_243'
load_from = pretrained_by = None
data = '{{$POSELIFTER_DATA:data}}'
model = dict(type='UnifiedMotionPretrainer')

noise = dict(type='FittedNoise')
pack = dict(type='PackPose', keys=['target', 'target_weight', 'target_2d', 'target_2d_weight'])
encode = dict(type='Encode', codec={{_base_.codec}})
true_2d = dict(type='Encode', codec=dict(type='ImageSpaceLifting', gt_2d=True))
flip = dict(type='FlipPose')
seen = [encode, dict(type='CropScale', ratio=(0.25, 1)), flip, dict(type='TargetFrom2D')]
# from 1 km away a projection is orthographic: y is depth, a metre 0.298 of half the picture as released. Not as there,
# the camera aims at the middle of each clip, and steps back from one over 6 m wide: input and label are smaller then
camera = dict(
    type='VirtualCamera',
    azimuth=(270, 270),
    height=(1, 1),
    distance=(1000, 1000),
    fov=(0.3845, 0.3845),
    roll=0,
    image_sizes=[(1000, 1000)],
)
clips = dict(min_frames=243, window=dict(length=243, stride=81, tail='drop'))  # shorter recordings are stretched
amass = dict(type='AMASSDataset', data_root=data + '/amass', split='all', **clips)
h36m = dict(type='Human36mMotionBERTDataset', data_root=data + '/motion3d', split='train', **clips)
track = dict(type='PoseTrackDataset', data_root=data + '/posetrack', window=dict(length=30))
variety = dict(
    type='InstaVarietyDataset',
    data_root=data + '/instavariety',
    min_frames=81,
    window=dict(length=81, stride=27, tail='drop'),
)


def masks(ratio):
    return [dict(type='JointMask', prob=round(ratio / 3, 3)), dict(type='FrameMask', prob=round(ratio * 2 / 3, 3))]


def lifted(*steps):
    lift = [true_2d, flip, *steps, pack]
    return dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[dict(**amass, pipeline=[camera, *lift]), dict(**h36m, pipeline=lift)],
    )


def sources(hide):
    part = lifted(noise, *hide)
    part.pop('_delete_')
    return [
        dict(**track, pipeline=[*seen, noise, *hide, pack]),
        dict(**variety, pipeline=[*seen, *hide, pack]),
        part,
    ]


train_dataloader = dict(
    batch_size=64,
    batch_sampler=dict(type='SourceBatchSampler', order='sequence', first_epochs=(30, 30, 0)),
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=sources(masks(0.15))),
)
train_cfg = dict(max_epochs=90)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
auto_scale_lr = dict(base_batch_size=64)

# tables 5 (without 2D data for 90 epochs; the paper does not say how many) and figure 7 (frames to joints 2 : 1)
steps = dict(table5_lifting=[], table5_noise=[noise], table5_mask=[noise, *masks(0.15)])
ratios = dict(figure7_0=0, figure7_30=0.3, figure7_45=0.45, figure7_60=0.6, figure7_75=0.75)
variants = dict(_delete_=True)
variants.update({k: dict(train_dataloader=dict(batch_sampler=None, dataset=lifted(*v))) for k, v in steps.items()})
variants.update({k: dict(train_dataloader=dict(dataset=dict(datasets=sources(masks(v))))) for k, v in ratios.items()})
